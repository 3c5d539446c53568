use super::super::visible::is_hidden;
use super::*;
use crate::model::id::HuntId;
use crate::rules::quota::dearest;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_seconds(1_795_500_000 + minutes * 60)
}

fn used(gauge: Gauge, used: u64, most: Option<u64>, free: Option<i64>) -> Usage {
    Usage { gauge, used, limit: most.map(|most| Limit { most, learnt: None, reserve: 0 }), free_at: free.map(at) }
}

fn spent(hunt: &str, calls: u64, api: u64, cpu: Option<u64>) -> (HuntId, Spending) {
    let (api, cpu) = (Duration::from_millis(api), cpu.map(Duration::from_millis));
    (HuntId::new(hunt).unwrap(), Spending { runs: calls / 2 + 1, calls, api, cpu, rows: 0 })
}

fn shown(usage: &[Usage], block: Option<&Block>, dearest: &Dearest, layout: &Layout) -> String {
    let tenant = TenantName::new("contoso").unwrap();
    let time = |at: Timestamp| at.to_string();
    let of = Standing { tenant: &tenant, enabled: true, usage, block, dearest, since: at(-1440), time };
    standing(&of, layout)
}

fn gauges() -> Vec<Usage> {
    vec![
        used(Gauge::PerMinute, 45, Some(45), Some(1)),
        used(Gauge::PerHour, 1210, Some(1500), Some(22)),
        used(Gauge::Concurrent, 1, Some(5), None),
        used(Gauge::CpuPerCycle, 72_400, None, Some(15)),
    ]
}

fn hunts() -> Dearest {
    dearest([
        spent("endpoint/encoded-powershell", 960, 1_203_000, Some(62_000)),
        spent("identity/sprays", 96, 3_900_000, None),
        spent("email/one", 1, 42, Some(1_500)),
        spent("email/two", 1, 40, None),
    ])
}

const WIDE: Layout = Layout { width: 120, colour: false, most: 3 };

#[test]
fn a_tenant_on_a_wide_terminal() {
    insta::assert_snapshot!(shown(&gauges(), None, &hunts(), &WIDE));
}

#[test]
fn a_tenant_on_a_narrow_terminal() {
    let layout = Layout { width: 48, ..WIDE };
    let text = shown(&gauges(), None, &hunts(), &layout);
    assert!(text.lines().all(|line| line.chars().count() <= 48), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_limit_that_is_not_the_configs_says_why() {
    let lower = Limit { most: 24, learnt: Some(at(-60)), reserve: 20 };
    let usage = [
        Usage { limit: Some(lower), ..used(Gauge::PerMinute, 3, None, None) },
        used(Gauge::Concurrent, 6, Some(5), None),
        Usage {
            limit: Some(Limit { most: 60_000, learnt: None, reserve: 50 }),
            ..used(Gauge::CpuPerCycle, 0, None, None)
        },
    ];
    insta::assert_snapshot!(shown(&usage, None, &Dearest::default(), &WIDE));
}

#[test]
fn a_block_says_what_the_api_said_and_nothing_of_it_acts() {
    let said = "You have exceeded processing resources allocated to this tenant. \u{1b}]0;x\u{7}You can run queries again in 00:07:30.\r\n\u{202e}";
    for reason in BlockReason::ALL {
        let block = Block { until: at(8), reason, said: said.to_owned() };
        let plain = shown(&[], Some(&block), &Dearest::default(), &WIDE);
        assert!(plain.contains(meaning(reason)), "{plain}");
        assert!(!plain.replace('\n', "").contains(is_hidden), "{plain}");
    }
    let block = Block { until: at(8), reason: BlockReason::Cpu, said: said.to_owned() };
    insta::assert_snapshot!(shown(&[], Some(&block), &Dearest::default(), &Layout { width: 80, ..WIDE }));
    let silent = Block { said: " ".to_owned(), ..block };
    assert!(!shown(&[], Some(&silent), &Dearest::default(), &WIDE).contains("told"));
}

#[test]
fn colours_are_only_added() {
    let block = Block { until: at(8), reason: BlockReason::Cpu, said: "no".to_owned() };
    let plain = shown(&gauges(), Some(&block), &hunts(), &WIDE);
    let coloured = shown(&gauges(), Some(&block), &hunts(), &Layout { colour: true, ..WIDE });
    let mut bare = coloured.clone();
    for code in ["0", "1", "2", "31", "32", "33"] {
        bare = bare.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(bare, plain);
    for (line, code) in coloured.lines().skip(3).zip(["31", "33", "32"]) {
        assert!(line.contains(&format!("\u{1b}[{code}m█")), "{line:?}");
    }
}

#[test]
fn a_bar_is_full_only_where_nothing_is_left() {
    let filled = |n, most| bar(&used(Gauge::PerHour, n, Some(most), None)).0.chars().count();
    for (n, most, cells) in
        [(0, 45, 0), (1, 1500, 1), (44, 45, 9), (1499, 1500, 9), (45, 45, 10), (50, 45, 10), (0, 0, 10)]
    {
        assert_eq!(filled(n, most), cells, "{n} of {most}");
    }
}

#[test]
fn durations_at_a_glance() {
    let cases = [(0, "0ms"), (999, "999ms"), (1_999, "1.9s"), (59_999, "59.9s"), (60_900, "1m"), (7_261_000, "2h1m")];
    for (millis, text) in cases {
        assert_eq!(brief(Duration::from_millis(millis)), text);
    }
    for (share, text) in [(0.0, "0%"), (0.001, "<1%"), (0.014, "1%"), (1.0, "100%")] {
        assert_eq!(percent(share), text);
    }
}
