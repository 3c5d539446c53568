//! What ends soon: secrets and certificates.

use std::collections::BTreeMap;
use std::time::Duration;

use super::causes::system;
use crate::model::time::Timestamp;
use crate::model::trouble::{OpenTrouble, Trouble, TroubleKind};

/// Before an end by so much it is trouble: who must order a new one is told with time left.
pub const AHEAD: Duration = Duration::from_hours(21 * 24);

/// Secrets with the end that the config says: what each is of, and when it ends.
#[must_use]
pub fn secrets(ends: &[(String, Timestamp)], now: Timestamp) -> Vec<Trouble> {
    let soon = ends.iter().filter(|(_, end)| now >= end.minus(AHEAD));
    let of = |(what, end): &(String, Timestamp)| {
        let left = end.since(now);
        let headline = if left.is_zero() {
            format!("{what} has expired")
        } else {
            format!("{what} expires in {} days", left.as_secs().div_ceil(24 * 3600))
        };
        let hint = "make a new one, put it in the old one's place, and write its end into the config: huntd reads it at its next sign-in";
        system(TroubleKind::SecretExpires, what, &headline, [format!("it ends at {end}")], Some(hint.to_owned()))
    };
    soon.map(of).collect()
}

/// Servers of which a certificate ends within [`AHEAD`]: one cause each, as each has who looks after it. `lasts` says of
/// each whether its certificates last, where that could be seen; what is `open` of the others isn't over.
#[must_use]
pub fn certificates(lasts: &BTreeMap<String, Option<bool>>, open: &[OpenTrouble]) -> Vec<Trouble> {
    let is_open = |server: &String| {
        let kind = TroubleKind::CertificateExpires;
        open.iter().any(|one| one.trouble.kind == kind && one.trouble.subject == *server)
    };
    let ends = |(server, lasts): &(&String, &Option<bool>)| lasts.map_or_else(|| is_open(server), |lasts| !lasts);
    let of = |(server, _): (&String, &Option<bool>)| {
        system(
            TroubleKind::CertificateExpires,
            server,
            &format!("a certificate of {server} ends within 21 days"),
            ["it is trusted until then, and huntd doesn't speak to the server after".to_owned()],
            Some(format!("see that {server}, or the proxy that speaks for it, renews it in time")),
        )
    };
    lasts.iter().filter(ends).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_ends_is_trouble_until_it_is_seen_to_last() {
        let seen = |lasts| BTreeMap::from([("a:587".to_owned(), lasts), ("b".to_owned(), Some(true))]);
        let subjects = |troubles: &[Trouble]| troubles.iter().map(|one| one.subject.clone()).collect::<Vec<_>>();
        assert_eq!(certificates(&seen(None), &[]), [], "nothing is said of a server that can't be reached");
        let ends = certificates(&seen(Some(false)), &[]);
        assert_eq!(subjects(&ends), ["a:587"]);
        let open = OpenTrouble { trouble: ends[0].clone(), since: Timestamp::EPOCH, told: None };
        assert_eq!(certificates(&seen(None), std::slice::from_ref(&open)), ends);
        assert_eq!(certificates(&seen(Some(true)), std::slice::from_ref(&open)), []);
        let other = OpenTrouble { trouble: Trouble { kind: TroubleKind::DiskFills, ..ends[0].clone() }, ..open };
        assert_eq!(certificates(&seen(None), &[other]), [], "another trouble of the same name");
    }
}
