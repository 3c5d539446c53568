#!/usr/bin/env bash
# What one huntd needs for so many tenants and hunts, measured: the daemon against `huntd simulate`, on this machine.
#
#   benches/sizing.sh [TENANTS [HUNTS [EVERY [SECONDS [ROWS]]]]]
#
# TENANTS  default 100
# HUNTS    on each tenant, default 100
# EVERY    minutes between two runs of a hunt, default 15; a divisor of 60
# SECONDS  how long it is measured, after each hunt has made its first run: default 300
# ROWS     new rows that each run finds, default 1
#
# The hunts start evenly over the minutes and seconds. HUNTD names another binary than target/release/huntd, QUOTA the
# calls a minute of each tenant (the service's 45; many more to find out where huntd itself ends), LATENCY how long each
# answer takes, WARM the seconds that do not count. It keeps nothing unless KEEP=1.
set -euo pipefail
tenants=${1:-100} hunts=${2:-100} every=${3:-15} seconds=${4:-300} rows=${5:-1}
warm=${WARM:-$((every * 60 + 45))}
quota=${QUOTA:-45} latency=${LATENCY:-500ms}
here=$(cd "$(dirname "$0")/.." && pwd)
huntd=$(realpath "${HUNTD:-$here/target/release/huntd}")
site=$(mktemp -d "${TMPDIR:-/tmp}/huntd-sizing-XXXXXX")
simulator='' daemon=''
finish() {
    for process in $daemon $simulator; do kill "$process" 2>/dev/null || true; done
    wait || true
    if [ "${KEEP:-0}" = 1 ]; then echo "kept: $site"; else rm -rf "$site"; fi
}
trap finish EXIT

mkdir "$site/hunts"
echo sizing-secret > "$site/secret"
{
    echo "quota: {calls_per_minute: $quota, calls_per_hour: $((quota * 34))}"
    echo "latency: {from: $latency, to: $latency}"
    echo "tenants:"
    for ((t = 0; t < tenants; t++)); do
        printf '  - {id: 00000000-0000-4000-a000-%012d, client_id: app, secret: sizing-secret}\n' "$t"
    done
    echo "hunts:"
    echo "  - name: sizing"
    echo "    match: {contains: [sizing-marker]}"
    echo "    columns: {Timestamp: datetime, DeviceId: string, DeviceName: string, ReportId: long, FileName: string, ProcessCommandLine: string, AccountName: string}"
    if [ "$rows" != 0 ]; then
        echo "    streams:"
        echo "      - from: -2h"
        echo "        every: $((every * 60 / rows))s"
        echo "        row: {DeviceId: '{hash}', DeviceName: 'ws-{n}.contoso.example', ReportId: '{n}', FileName: powershell.exe, ProcessCommandLine: 'powershell.exe -nop -w hidden -enc {hash}{hash}{hash}', AccountName: 'user-{n}'}"
    fi
} > "$site/scenario.yaml"
"$huntd" simulate --listen 127.0.0.1:0 --scenario "$site/scenario.yaml" > "$site/simulator.log" 2>&1 &
simulator=$!
until url=$(grep -o 'http://[^ ]*' "$site/simulator.log"); do sleep 0.1; done

{
    echo "database: huntd.db"
    echo "tenants:"
    for ((t = 0; t < tenants; t++)); do
        printf '  t%03d: {tenant_id: 00000000-0000-4000-a000-%012d, client_id: app, auth: {client_secret: {file: secret}}, login_url: "%s", api_url: "%s", quota: {calls_per_minute: %d, calls_per_hour: %d}}\n' \
            "$t" "$t" "$url" "$url" "$quota" $((quota * 34))
    done
    echo "channels: {hits: {file: {path: hits.jsonl}}}"
    echo "routes: [{to: [hits]}]"
} > "$site/huntd.yaml"
for ((h = 0; h < hunts; h++)); do
    printf 'query: |\n  DeviceProcessEvents\n  | where FileName =~ "powershell.exe" and ProcessCommandLine has "sizing-marker"\n  | where AccountName != "%d"\nschedule: "%d-59/%d * * * *"\nlookback: %dm\nlate: 5m\nsplay: 30s\n' \
        "$h" $((h % every)) "$every" $((every * 2)) > "$site/hunts/h$(printf %03d "$h").yaml"
done

# Seconds of CPU that a process has used.
cpu() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/^.*\) /, ""); print ($12 + $13) / hz }' "/proc/$1/stat"; }
field() { awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"; }
written() { awk '$1 == "write_bytes:" { print $2 }' "/proc/$1/io"; }
database() { stat -c %s "$site/huntd.db"; }
stat_of() { curl -s "$url/_sim/stats" | grep -o "\"$1\":[0-9]*" | cut -d: -f2; }

cd "$site"
"$huntd" --config huntd.yaml daemon > daemon.log 2>&1 &
daemon=$!
sleep "$warm"
began=$(date +%s.%N) calls=$(stat_of calls) used=$(cpu $daemon) size=$(database) disk=$(written $daemon)
simulated=$(cpu $simulator) rss=0
for ((s = 0; s < seconds; s += 5)); do
    sleep 5
    now=$(field $daemon VmRSS)
    rss=$((now > rss ? now : rss))
done
took=$(awk -v a="$began" -v b="$(date +%s.%N)" 'BEGIN { print b - a }')
made=$(($(stat_of calls) - calls))
awk -v tenants="$tenants" -v hunts="$hunts" -v every="$every" -v rows="$rows" -v took="$took" -v made="$made" \
    -v cpu="$(awk -v a="$used" -v b="$(cpu $daemon)" 'BEGIN { print b - a }')" \
    -v sim="$(awk -v a="$simulated" -v b="$(cpu $simulator)" 'BEGIN { print b - a }')" \
    -v rss="$rss" -v grown="$(($(database) - size))" -v disk="$(($(written $daemon) - disk))" \
    -v refused="$(stat_of answered_429)" -v late="$(grep -c 'until its next tick came' daemon.log || true)" 'BEGIN {
    printf "%d tenants x %d hunts every %d minutes, %s new rows a run, %.0f s\n", tenants, hunts, every, rows, took
    printf "  calls a second     %8.1f   of %.1f that are due\n", made / took, tenants * hunts / every / 60
    printf "  CPU                %8.1f %% of a core, %.1f ms a run (the simulator: %.1f %%)\n", cpu / took * 100, cpu / made * 1000, sim / took * 100
    printf "  memory (RSS)       %8.0f MB at most\n", rss / 1024
    printf "  database           %8.0f bytes a run, %.1f GB a day at that pace\n", grown / made, grown / took * 86400 / 1e9
    printf "  written to disk    %8.0f kB a run\n", disk / made / 1000
    printf "  answers of 429     %8d\n", refused
    printf "  runs that were so late that one served two ticks: %d\n", late
}'
