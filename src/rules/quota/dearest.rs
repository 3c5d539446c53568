//! Which hunts cost a tenant the most.

use std::cmp::Ordering;
use std::time::Duration;

use crate::model::cost::Spending;
use crate::model::id::HuntId;

/// What a hunt spent of what all of a tenant's hunts did. Shares are from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// The hunt.
    pub hunt: HuntId,
    /// What it spent.
    pub spent: Spending,
    /// Its share of the calls.
    pub calls: f64,
    /// Its share of the time spent waiting for the API.
    pub api: f64,
    /// Its share of the CPU; `None` where its own isn't known.
    pub cpu: Option<f64>,
}

impl Share {
    /// The greatest of its shares: what it is dear by.
    fn greatest(&self) -> f64 {
        self.calls.max(self.api).max(self.cpu.unwrap_or_default())
    }
}

/// A tenant's spending, and whose it was.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dearest {
    /// What all hunts spent together.
    pub total: Spending,
    /// The hunts, the dearest first: by the greatest of their shares, as any of the three may be what is scarce.
    pub hunts: Vec<Share>,
}

/// Orders what hunts spent on one tenant.
#[must_use]
pub fn dearest(spent: impl IntoIterator<Item = (HuntId, Spending)>) -> Dearest {
    let spent: Vec<(HuntId, Spending)> = spent.into_iter().collect();
    let total = spent.iter().fold(Spending::default(), |sum, (_, one)| sum.and(*one));
    let whole = total.cpu.unwrap_or_default();
    let share = |(hunt, spent): (HuntId, Spending)| Share {
        hunt,
        spent,
        calls: part(count(spent.calls), count(total.calls)),
        api: part(spent.api.as_secs_f64(), total.api.as_secs_f64()),
        cpu: spent.cpu.map(|cpu: Duration| part(cpu.as_secs_f64(), whole.as_secs_f64())),
    };
    let mut hunts: Vec<Share> = spent.into_iter().map(share).collect();
    hunts.sort_by(dearer);
    Dearest { total, hunts }
}

fn dearer(one: &Share, other: &Share) -> Ordering {
    let by_share = other.greatest().total_cmp(&one.greatest());
    by_share.then(other.spent.calls.cmp(&one.spent.calls)).then(one.hunt.cmp(&other.hunt))
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
const fn count(calls: u64) -> f64 {
    calls as f64
}

/// The share; none of nothing.
fn part(one: f64, whole: f64) -> f64 {
    if whole > 0.0 { (one / whole).min(1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(hunt: &str, calls: u64, api: u64, cpu: Option<u64>) -> (HuntId, Spending) {
        let (api, cpu) = (Duration::from_secs(api), cpu.map(Duration::from_secs));
        (HuntId::new(hunt).unwrap(), Spending { runs: calls, calls, api, cpu, rows: 0 })
    }

    fn order(all: &Dearest) -> Vec<&str> {
        all.hunts.iter().map(|share| share.hunt.as_str()).collect()
    }

    #[test]
    fn a_hunt_is_dear_by_its_greatest_share() {
        let all = dearest([
            spent("many-calls", 60, 10, None),
            spent("slow", 30, 70, Some(5)),
            spent("heavy", 10, 20, Some(95)),
        ]);
        assert_eq!(order(&all), ["heavy", "slow", "many-calls"]);
        assert_eq!(all.total.calls, 100);
        assert_eq!(all.total.cpu, Some(Duration::from_secs(100)));
        let heavy = &all.hunts[0];
        assert_eq!((heavy.calls, heavy.api, heavy.cpu), (0.1, 0.2, Some(0.95)));
        assert_eq!(all.hunts[2].cpu, None);
    }

    #[test]
    fn equals_are_in_a_fixed_order_and_nothing_has_no_share() {
        let all = dearest([spent("b", 1, 0, None), spent("c", 1, 0, None), spent("a", 1, 0, Some(0))]);
        assert_eq!(order(&all), ["a", "b", "c"]);
        assert_eq!((all.hunts[0].api, all.hunts[0].cpu), (0.0, Some(0.0)));
        assert_eq!(dearest([]), Dearest::default());
    }
}
