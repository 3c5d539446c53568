//! Which causes are news, and who is told.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::config::Failures;
use crate::model::id::ChannelName;
use crate::model::time::Timestamp;
use crate::model::trouble::{Affected, News, OpenTrouble, Trouble, TroubleKind, Warning};
use crate::rules::route;

/// What becomes of a cause with a look at all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How it is kept from now on; none where it is over.
    pub keep: Option<OpenTrouble>,
    /// Its key.
    pub key: String,
    /// What is told of it now.
    pub tell: Option<Warning>,
}

/// What becomes of the causes that are open, and of those that are there `now`. Only of `judged` kinds is it known
/// which are over.
#[must_use]
pub fn news(
    open: &[OpenTrouble],
    now: Vec<Trouble>,
    judged: &BTreeSet<TroubleKind>,
    failures: &Failures,
    at: Timestamp,
) -> Vec<Step> {
    let before: BTreeMap<String, &OpenTrouble> = open.iter().map(|open| (open.trouble.key(), open)).collect();
    let halting = now.iter().filter(|trouble| trouble.kind.stops());
    let stopped: BTreeSet<Affected> = halting.flat_map(|trouble| trouble.hunts.iter().cloned()).collect();
    // Of one cause that is named twice, the first holds.
    let mut there = BTreeMap::new();
    for trouble in now {
        there.entry(trouble.key()).or_insert(trouble);
    }
    let over = before.iter().filter(|(key, open)| judged.contains(&open.trouble.kind) && !there.contains_key(*key));
    let mut steps: Vec<Step> = over.map(|(key, open)| end(key, open, &stopped, at)).collect();
    steps.extend(there.into_iter().map(|(key, trouble)| {
        let known = before.get(&key).copied();
        stand(key, known, trouble, failures, at)
    }));
    steps
}

/// A cause that is no longer there. What stops the same hunts under another name by now isn't over.
fn end(key: &str, open: &OpenTrouble, stopped: &BTreeSet<Affected>, at: Timestamp) -> Step {
    let hunts = &open.trouble.hunts;
    let goes_on = !hunts.is_empty() && hunts.iter().all(|hunt| stopped.contains(hunt));
    let is_news = open.told.is_some() && open.trouble.kind.recovers() && !goes_on;
    let tell = is_news.then(|| warning(&open.trouble, News::Ends, open.since, at));
    Step { keep: None, key: key.to_owned(), tell }
}

fn stand(key: String, known: Option<&OpenTrouble>, trouble: Trouble, failures: &Failures, at: Timestamp) -> Step {
    let (since, told) = known.map_or((at, None), |known| (known.since.min(at), known.told));
    // Of what isn't counted in failures one look is enough.
    let row = if trouble.failures == 0 { u32::MAX } else { trouble.failures };
    let reminds = trouble.kind.recovers() || told.is_none();
    let is_news = reminds && route::failure_due(row, told, failures, at);
    let news = if told.is_none() { News::Begins } else { News::GoesOn };
    let tell = is_news.then(|| warning(&trouble, news, since, at));
    let told = if is_news { Some(at) } else { told };
    Step { keep: Some(OpenTrouble { trouble, since, told }), key, tell }
}

fn warning(trouble: &Trouble, news: News, since: Timestamp, at: Timestamp) -> Warning {
    Warning { trouble: trouble.clone(), news, since, at, owner: None }
}

/// The channels that trouble may be told to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channels {
    /// The operators': `failures.to`.
    pub operators: Vec<ChannelName>,
    /// The channel by which mails go to owners: the operators' first that is mail, else any that is.
    pub mail: Option<ChannelName>,
}

/// Who is told of a warning: the operators, and the owners of hunts whose own trouble it is. A channel isn't told of its
/// own trouble where there is another.
#[must_use]
pub fn plan(warning: &Warning, channels: &Channels) -> Vec<(ChannelName, Warning)> {
    let own = (warning.trouble.kind == TroubleKind::DeliveriesFail).then_some(warning.trouble.subject.as_str());
    let mut to: Vec<ChannelName> = Vec::new();
    for channel in &channels.operators {
        if own != Some(channel.as_str()) && !to.contains(channel) {
            to.push(channel.clone());
        }
    }
    if to.is_empty() {
        to.extend(channels.operators.first().cloned());
    }
    let mut all: Vec<_> = to.into_iter().map(|channel| (channel, warning.clone())).collect();
    let owners: BTreeSet<&String> = warning.trouble.owners.iter().collect();
    for owner in owners {
        if let Some(mail) = &channels.mail {
            all.push((mail.clone(), Warning { owner: Some(owner.clone()), ..warning.clone() }));
        }
    }
    all
}
