//! The way to the hosts that huntd calls.

use std::time::Duration;

use super::line::Verdict;
use crate::model::time::{Timestamp, format_duration};
use crate::rules::skew::skew;

/// Seconds of difference that no promise of huntd minds.
const NEAR: Duration = Duration::from_secs(5);
/// A clock that is further off cuts runs at the wrong moments, and may be refused at the sign-in.
const FAR: Duration = Duration::from_mins(1);

/// Whether a name leads to an address; `why` is what the resolver said.
#[must_use]
pub fn dns(host: &str, found: Result<usize, &str>) -> Verdict {
    match found {
        Ok(1) => Verdict::ok("1 address"),
        Ok(count) if count > 0 => Verdict::ok(format!("{count} addresses")),
        Ok(_) => Verdict::failed(format!("{host} has no address"), DNS),
        Err(why) => Verdict::failed(format!("{host} isn't found: {why}"), DNS),
    }
}

const DNS: &str =
    "check the name in the config, and this machine's resolver: /etc/resolv.conf, `resolvectl query`, the firewall";

/// The proxy `shown` on the way to a host; `why` tells why it can't be reached.
#[must_use]
pub fn proxy(shown: &str, reached: Result<(), &str>) -> Verdict {
    match reached {
        Ok(()) => Verdict::ok(format!("goes by the proxy {shown}")),
        Err(why) => Verdict::failed(
            format!("goes by the proxy {shown}, which can't be reached: {why}"),
            "mend HTTPS_PROXY in the environment, or except the host with NO_PROXY; the daemon has the environment that its unit gives it",
        ),
    }
}

/// What is known of a host that answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// It speaks plain HTTP.
    Plain,
    /// Its certificates are trusted, now and in [`AHEAD`](crate::rules::trouble::AHEAD).
    Lasting,
    /// Its certificates are trusted now, and one of them ends before that.
    Ending,
}

/// Whether a host can be trusted; `why` tells why it can't be reached.
#[must_use]
pub fn tls(host: &str, trust: Result<Trust, &str>) -> Verdict {
    match trust {
        Ok(Trust::Plain) => Verdict::skipped(
            "plain HTTP, which huntd takes for this machine alone",
            "nothing to mend; name an https URL where it isn't for a test",
        ),
        Ok(Trust::Lasting) => Verdict::ok("its certificates are trusted, and last three weeks and more"),
        Ok(Trust::Ending) => ending(host),
        Err(why) => Verdict::failed(
            format!("{host} can't be reached: {why}"),
            "check the firewall and any proxy (HTTPS_PROXY, NO_PROXY); where the certificate is refused, install ca-certificates, or the CA of a proxy that opens TLS (update-ca-certificates)",
        ),
    }
}

fn ending(host: &str) -> Verdict {
    Verdict::warning(
        "its certificates are trusted, and end within 21 days",
        format!("see that {host}, or the proxy that speaks for it, renews them in time"),
    )
}

/// Whether a mail server takes huntd in; `why` tells why it doesn't.
#[must_use]
pub fn mail(server: &str, signs_in: bool, met: Result<Trust, &str>) -> Verdict {
    match met {
        Ok(Trust::Ending) => ending(server),
        Ok(_) if signs_in => Verdict::ok("greets, and takes the sign-in; no mail was sent"),
        Ok(_) => Verdict::ok("greets; no mail was sent"),
        Err(why) => Verdict::failed(
            why,
            "check `server`, `user`, `password` and `ca` of the channel, and that the firewall lets this machine out to that port",
        ),
    }
}

/// This machine's clock against the `Date` of an answer that was asked for at `asked` and had come by `answered`.
#[must_use]
pub fn clock(date: Timestamp, asked: Timestamp, answered: Timestamp) -> Verdict {
    let (ahead, behind) = skew(date, asked, answered);
    let (off, side) = if behind > ahead { (behind, "behind") } else { (ahead, "ahead of") };
    let off = Duration::from_secs(off.as_secs());
    let mend = "synchronise it: `timedatectl set-ntp true`, or install chrony; huntd cuts runs and counts calls by it";
    let said = format!("this machine is {} {side} the API", format_duration(off));
    if off >= FAR {
        return Verdict::failed(said, mend);
    }
    if off > NEAR {
        return Verdict::warning(said, mend);
    }
    Verdict::ok(format!("within {} of the API's", format_duration(NEAR)))
}

#[cfg(test)]
mod tests {
    use super::super::line::State;
    use super::*;

    #[test]
    fn a_clock_is_near_or_off() {
        let at = Timestamp::from_seconds;
        let cases = [
            (100, 100, 100, State::Ok, "within 5s of the API's"),
            // The answer took ten seconds: the Date lies between.
            (105, 100, 110, State::Ok, "within 5s of the API's"),
            (100, 106, 106, State::Ok, "within 5s of the API's"),
            (100, 107, 107, State::Warning, "this machine is 6s ahead of the API"),
            (106, 100, 100, State::Warning, "this machine is 6s behind the API"),
            (159, 100, 100, State::Warning, "this machine is 59s behind the API"),
            (160, 100, 100, State::Failed, "this machine is 1m behind the API"),
            (100, 401, 401, State::Failed, "this machine is 5m ahead of the API"),
        ];
        for (date, asked, answered, state, message) in cases {
            let verdict = clock(at(date), at(asked), at(answered));
            assert_eq!((verdict.state, verdict.message.as_str()), (state, message));
        }
    }

    #[test]
    fn what_is_not_well_has_its_mend() {
        let verdicts = [
            dns("x.example", Ok(0)),
            dns("x.example", Err("no such name")),
            proxy("http://proxy:3128", Err("refused")),
            tls("x.example", Ok(Trust::Plain)),
            tls("x.example", Ok(Trust::Ending)),
            tls("x.example", Err("invalid peer certificate: UnknownIssuer")),
        ];
        for verdict in verdicts {
            assert!(verdict.hint.is_some() && verdict.state != State::Ok, "{verdict:?}");
        }
        for verdict in [dns("x", Ok(1)), dns("x", Ok(2)), proxy("http://p", Ok(())), tls("x", Ok(Trust::Lasting))] {
            assert!(verdict.hint.is_none() && verdict.state == State::Ok, "{verdict:?}");
        }
    }
}
