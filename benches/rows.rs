//! The built binary, end to end: `huntd run` over HTTP into its database, beside Python and beside the machine's limits.
//!
//! It prints tables to paste; benches/README.md says how to read them. The environment says what is measured:
//!
//! ```text
//! ROWS       sizes of the answer           10,1000,10000,99999
//! ENCODINGS  plain, gzip, or both          plain,gzip
//! DIALECTS   graph, defender, or both      graph
//! REPEAT     how often each is measured    5
//! HUNTD      another binary than the built one
//! GC         on: Python looks for cycles, as most scripts let it
//! ```

#![expect(clippy::print_stdout, reason = "a bench prints what it found")]

mod support;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use support::answer::{Answer, Content, Dialect, answer};
use support::floor::{self, Floor};
use support::process::{MEASURE, measure_one};
use support::site::{Ran, Site, Who, python_lacks};
use support::tenant::{Reply, Tenant};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == MEASURE) {
        return measure_one(arguments);
    }
    let repeat = knob("REPEAT", "5").parse()?;
    let tenant = Tenant::start()?;
    let python = python_lacks();
    if let Some(why) = &python {
        println!("Python isn't measured, as it lacks what it needs: {why}");
    }
    let whose: &[Who] = if python.is_none() { &[Who::Huntd, Who::Python] } else { &[Who::Huntd] };
    for dialect in knob("DIALECTS", "graph").split(',') {
        let dialect = if dialect == "defender" { Dialect::Defender } else { Dialect::Graph };
        for encoding in knob("ENCODINGS", "plain,gzip").split(',') {
            let mut peaks = Vec::new();
            for rows in knob("ROWS", "10,1000,10000,99999").split(',') {
                let group = Group::new(&tenant, dialect, rows.parse()?, encoding == "gzip")?;
                let measured = group.measure(whose, repeat)?;
                print(&group, &measured);
                peaks.push((group.rows, peak(&measured)));
            }
            print_peaks(&peaks);
        }
    }
    Ok(())
}

fn knob(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// What a run finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    New,
    Unchanged,
    OneNew,
    OneChanged,
}

impl Case {
    const fn name(self) -> &'static str {
        match self {
            Self::New => "all new",
            Self::Unchanged => "unchanged",
            Self::OneNew => "1 % new",
            Self::OneChanged => "1 % changed",
        }
    }
}

/// An answer, ready to be sent.
struct Prepared {
    answer: Answer,
    reply: Reply,
}

/// Answers of one size in one dialect and encoding.
struct Group<'a> {
    tenant: &'a Tenant,
    dialect: Dialect,
    rows: u64,
    gzip: bool,
    first: Prepared,
    /// Moved on by one row in a hundred.
    moved: Prepared,
    /// One row in a hundred has another value.
    changed: Prepared,
}

/// All runs of a group.
#[derive(Default)]
struct Measured {
    runs: Vec<(Case, Who, Ran)>,
    floors: Vec<Floor>,
    /// CPU of writing all rows.
    writes: Vec<f64>,
    /// And of one in a hundred.
    few_writes: Vec<f64>,
}

impl<'a> Group<'a> {
    fn new(tenant: &'a Tenant, dialect: Dialect, rows: u64, gzip: bool) -> Outcome<Self> {
        let prepared = |first, changed| -> Outcome<Prepared> {
            let answer = answer(dialect, Content { first, rows, changed });
            let body = if gzip { packed(&answer.body)? } else { answer.body.clone() };
            Ok(Prepared { answer, reply: Reply { body: Arc::new(body), gzip } })
        };
        let (first, moved, changed) = (prepared(0, 0)?, prepared(rows / 100, 0)?, prepared(0, 100)?);
        Ok(Self { tenant, dialect, rows, gzip, first, moved, changed })
    }

    fn measure(&self, whose: &[Who], repeat: usize) -> Outcome<Measured> {
        let mut measured = Measured::default();
        for time in 0..repeat {
            // By turns, so that neither always runs on a machine that the other has warmed.
            let mut order = whose.to_vec();
            order.rotate_left(time % whose.len());
            for who in order {
                self.runs_of(who, &mut measured)?;
            }
            self.machine(&mut measured)?;
        }
        Ok(measured)
    }

    /// One history without a key and, where a hundredth is a row at all, one with.
    fn runs_of(&self, who: Who, into: &mut Measured) -> Outcome<()> {
        let fresh = || Site::new(self.tenant.address(), self.dialect);
        let mut run = |site: &Site, case: Case, body: &Prepared, keyed, told: u64| -> Outcome<()> {
            self.tenant.answer(body.reply.clone());
            let ran = site.run(who, keyed)?;
            if ran.told != told {
                return Err(format!("{who:?}, {}: told {}, not {told}", case.name(), ran.told).into());
            }
            into.runs.push((case, who, ran));
            Ok(())
        };
        let site = fresh()?;
        run(&site, Case::New, &self.first, false, self.rows)?;
        run(&site, Case::Unchanged, &self.first, false, 0)?;
        if self.rows < 100 {
            return Ok(());
        }
        run(&site, Case::OneNew, &self.moved, false, self.rows / 100)?;
        let site = fresh()?;
        self.tenant.answer(self.first.reply.clone());
        site.run(who, true)?;
        run(&site, Case::OneChanged, &self.changed, true, self.rows.div_ceil(100))
    }

    fn machine(&self, into: &mut Measured) -> Outcome<()> {
        self.tenant.answer(self.first.reply.clone());
        let packed = self.gzip.then_some(self.first.reply.body.as_slice());
        into.floors.push(Floor::of(self.tenant.address(), &self.first.answer, packed)?);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        into.writes.push(floor::write(folder, self.rows)?);
        into.few_writes.push(floor::write(folder, self.rows / 100)?);
        Ok(())
    }
}

fn packed(body: &[u8]) -> Outcome<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, body)?;
    Ok(encoder.finish()?)
}

/// The value in the middle; nothing of nothing.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Measured {
    fn of(&self, case: Case, who: Who, what: impl Fn(&Ran) -> f64) -> f64 {
        let runs = self.runs.iter().filter(|(of, by, _)| (*of, *by) == (case, who));
        median(runs.map(|(_, _, ran)| what(ran)))
    }

    /// The machine's limit for a case.
    fn floor(&self, case: Case) -> f64 {
        let write = match case {
            Case::New => median(self.writes.iter().copied()),
            Case::Unchanged => 0.0,
            Case::OneNew | Case::OneChanged => median(self.few_writes.iter().copied()),
        };
        median(self.floors.iter().map(|floor| floor.unchanged())) + write
    }
}

fn print(group: &Group<'_>, measured: &Measured) {
    let (body, plain) = (group.first.reply.body.len(), group.first.answer.body.len());
    let encoding = if group.gzip { format!(", {:.2} MB as gzip", megabytes(body)) } else { String::new() };
    println!("\n#### {}, {} rows, {:.2} MB{encoding}\n", group.dialect.name(), group.rows, megabytes(plain));
    let part = |of: fn(&Floor) -> f64| median(measured.floors.iter().map(of));
    let writes = [&measured.writes, &measured.few_writes].map(|of| median(of.iter().copied()));
    println!(
        "The machine, ms of CPU: read {:.1}, inflate {:.1}, scan {:.1}, hash {:.1}; write {} rows {:.1}, {} rows {:.1}.\n",
        part(|floor| floor.read),
        part(|floor| floor.inflate),
        part(|floor| floor.scan),
        part(|floor| floor.hash),
        group.rows,
        writes[0],
        group.rows / 100,
        writes[1],
    );
    println!(
        "| | huntd: CPU ms | wall ms | peak MB | grown kB | Python: CPU ms | wall ms | peak MB | grown kB | Python / huntd | huntd / machine |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for case in [Case::New, Case::Unchanged, Case::OneNew, Case::OneChanged] {
        if measured.runs.iter().any(|(of, ..)| *of == case) {
            print_case(case, group.rows, measured);
        }
    }
}

fn print_case(case: Case, rows: u64, measured: &Measured) {
    let columns = |who| {
        let of = |what: fn(&Ran) -> f64| measured.of(case, who, what);
        if measured.runs.iter().all(|(_, by, _)| *by != who) {
            return "- | - | - | -".to_owned();
        }
        format!(
            "{:.1} | {:.1} | {:.1} | {:.0}",
            of(|ran| ran.used.cpu),
            of(|ran| ran.used.wall),
            of(|ran| ran.used.peak),
            of(Ran::grown_kilobytes)
        )
    };
    let cpu = |who| measured.of(case, who, |ran| ran.used.cpu);
    let (huntd, python) = (cpu(Who::Huntd), cpu(Who::Python));
    let ratio = |value: f64| if value.is_finite() { format!("{value:.1}") } else { "-".to_owned() };
    // With few rows the start of a process is nearly all there is.
    let floor = if rows < 1000 { f64::NAN } else { measured.floor(case) };
    println!(
        "| {} | {} | {} | {} | {} |",
        case.name(),
        columns(Who::Huntd),
        columns(Who::Python),
        ratio(python / huntd),
        ratio(huntd / floor),
    );
}

/// huntd's highest peak of all cases, each by its median.
fn peak(measured: &Measured) -> f64 {
    let cases = [Case::New, Case::Unchanged, Case::OneNew, Case::OneChanged];
    cases.map(|case| measured.of(case, Who::Huntd, |ran| ran.used.peak)).into_iter().fold(0.0, f64::max)
}

/// What a large answer costs in memory beyond a small one.
fn print_peaks(peaks: &[(u64, f64)]) {
    let (small, large) = (peaks.iter().find(|(rows, _)| *rows == 1000), peaks.last());
    let (Some((few, low)), Some((many, high))) = (small, large.filter(|(rows, _)| *rows > 1000)) else { return };
    println!("\nhuntd's peak memory, the worst of all cases: {high:.1} MB with {many} rows, {low:.1} MB with {few}.");
}

fn megabytes(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / 1e6
}
