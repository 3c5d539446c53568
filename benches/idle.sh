#!/usr/bin/env bash
# What huntd costs while it waits: many hunts loaded, nothing due. How long a start takes, memory, CPU, a scrape; on this machine,
# the daemon against `huntd simulate`.
#
#   benches/idle.sh [HUNTS [TENANTS [SECONDS]]]
#
# HUNTS    default 10000; each runs once an hour on every tenant, and next in half an hour
# TENANTS  default 1
# SECONDS  how long it is measured, after ten seconds of rest: default 180
#
# It is started twice, on a new database and on the one that the first start left. HUNTD names another binary than
# target/release/huntd. It keeps nothing unless KEEP=1.
set -euo pipefail
hunts=${1:-10000} tenants=${2:-1} seconds=${3:-180}
here=$(cd "$(dirname "$0")/.." && pwd)
huntd=$(realpath "${HUNTD:-$here/target/release/huntd}")
site=$(mktemp -d "${TMPDIR:-/tmp}/huntd-idle-XXXXXX")
simulator='' daemon=''
finish() {
    for process in $daemon $simulator; do kill "$process" 2>/dev/null || true; done
    wait || true
    if [ "${KEEP:-0}" = 1 ]; then echo "kept: $site"; else rm -rf "$site"; fi
}
trap finish EXIT

mkdir "$site/hunts"
echo idle-secret > "$site/secret"
{
    echo "tenants:"
    for ((t = 0; t < tenants; t++)); do
        printf '  - {id: 00000000-0000-4000-a000-%012d, client_id: app, secret: idle-secret}\n' "$t"
    done
    echo "hunts: []"
} > "$site/scenario.yaml"
"$huntd" simulate --listen 127.0.0.1:0 --scenario "$site/scenario.yaml" > "$site/simulator.log" 2>&1 &
simulator=$!
until url=$(grep -o 'http://[^ ]*' "$site/simulator.log"); do sleep 0.1; done
{
    echo "database: huntd.db"
    echo "listen: unix:huntd.sock"
    echo "tenants:"
    for ((t = 0; t < tenants; t++)); do
        printf '  t%03d: {tenant_id: 00000000-0000-4000-a000-%012d, client_id: app, auth: {client_secret: {file: secret}}, login_url: "%s", api_url: "%s"}\n' \
            "$t" "$t" "$url" "$url"
    done
    echo "channels: {hits: {file: {path: hits.jsonl}}}"
    echo "routes: [{to: [hits]}]"
} > "$site/huntd.yaml"
# A minute that is as far off as can be: nothing is due while it is measured, however long that takes.
due=$(((10#$(date -u +%M) + 30) % 60))
awk -v hunts="$hunts" -v site="$site" -v due="$due" 'BEGIN {
    for (i = 0; i < hunts; i++) {
        file = sprintf("%s/hunts/h%05d.yaml", site, i)
        printf "name: Office program %05d starts a script host\n", i > file
        printf "description: |\n  An Office program starts a script host that fetches from the network.\n  Look at the command line first.\n" > file
        printf "severity: medium\ntactics: [Execution]\ntechniques: [T1059.001]\nschedule: \"%d * * * *\"\nlookback: 2h\nquery: |\n", due > file
        printf "  let Since = ago(2h);\n  let Parents = dynamic([\"winword.exe\", \"excel.exe\", \"outlook.exe\"]);\n" > file
        printf "  DeviceProcessEvents\n  | where Timestamp > Since\n  | where InitiatingProcessFileName in~ (Parents)\n" > file
        printf "  | where FileName in~ (\"powershell.exe\", \"wscript.exe\", \"mshta.exe\")\n" > file
        printf "  | where ProcessCommandLine has_any (\"http\", \"DownloadString\", \"idle-%05d\")\n", i > file
        printf "  | extend Account = tolower(AccountName)\n  | where Account != \"svc-%05d\"\n", i > file
        printf "  | project Timestamp, DeviceId, DeviceName, ReportId, FileName, ProcessCommandLine, Account\n" > file
        close(file)
    }
}'

# Seconds of CPU that a process has used, its threads that have ended by now included: to the hundredth.
cpu() { sed "s/.*) //" "/proc/$1/stat" | awk '{ printf "%.2f", ($12 + $13) / 100 }'; }
field() { awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"; }

cd "$site"
measure() {
    local began used rest_began rest_used
    # Else the line of the start before would be taken for this one's.
    rm -f daemon.log
    began=$(date +%s.%N)
    "$huntd" --config huntd.yaml daemon > daemon.log 2>&1 &
    daemon=$!
    until grep -qs 'huntd runs' daemon.log; do kill -0 "$daemon"; sleep 0.01; done
    local ready; ready=$(date +%s.%N); used=$(cpu $daemon)
    sleep 10
    rest_began=$(date +%s.%N) rest_used=$(cpu $daemon)
    sleep "$seconds"
    awk -v what="$1" -v start="$(awk -v a="$began" -v b="$ready" 'BEGIN { print b - a }')" -v used="$used" \
        -v span="$(awk -v a="$rest_began" -v b="$(date +%s.%N)" 'BEGIN { print b - a }')" \
        -v idle="$(awk -v a="$rest_used" -v b="$(cpu $daemon)" 'BEGIN { print b - a }')" \
        -v rss="$(field $daemon VmRSS)" -v own="$(field $daemon RssAnon)" -v peak="$(field $daemon VmHWM)" 'BEGIN {
        printf "%s\n", what
        printf "  start              %8.2f s, of CPU %.2f s\n", start, used
        printf "  idle CPU           %8.3f %% of a core, over %.0f s\n", idle / span * 100, span
        printf "  memory (RSS)       %8.1f MB, %.1f MB at most; %.1f MB of it its own, the rest the program\n", rss / 1024, peak / 1024, own / 1024
    }'
    scrape
    kill "$daemon"
    wait "$daemon" || true
    daemon=''
}
# What it costs to be scraped, by a unix socket; each text is made anew, as one is kept for five seconds.
scrape() {
    local used told; used=$(cpu $daemon)
    for _ in 1 2 3; do
        told=$(curl -s -o metrics.txt -w '%{time_total} s, %{size_download} bytes' --unix-socket huntd.sock http://localhost/metrics)
        sleep 5.5
    done
    awk -v told="$told" -v series="$(grep -vc '^#' metrics.txt)" -v used="$used" -v now="$(cpu $daemon)" 'BEGIN {
        printf "  a scrape           %s, %d series; %.0f ms of CPU, five seconds of rest with it\n", told, series, (now - used) / 3 * 1000
    }'
}
echo "$hunts hunts on each of $tenants tenants"
measure "a new database:"
measure "the database of the start before:"
