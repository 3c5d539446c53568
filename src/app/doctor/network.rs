//! What needs the network: the hosts, the sign-in, the API, mail servers and the heartbeat's host.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use url::Url;

use super::super::exit::AppError;
use super::database::Opened;
use super::files::{REPOSITORY, Secrets, channel, tenant};
use super::report::Report;
use crate::adapters::api::{ClientOptions, Probe, TimeLimits, reach};
use crate::adapters::channel::email::Email;
use crate::adapters::upstream::Repository;
use crate::engine::probing::{Probed, probe};
use crate::engine::tenant::Tenant;
use crate::model::config::{self, Auth, ChannelKind, Config, EmailChannel, Heartbeat, MailTransport};
use crate::model::failure::ApiFailure;
use crate::model::id::ChannelName;
use crate::model::secret::{ExposeSecret, SecretSource};
use crate::model::upstream::Upstream;
use crate::ports::clock::SharedClock;
use crate::ports::store::Store;
use crate::ports::store::error::StoreError;
use crate::rules::doctor::network::{self as judge, Trust};
use crate::rules::doctor::{Check, State, Verdict, system, token};
use crate::rules::remedy;
use crate::rules::trouble::AHEAD;

/// How long a token, an answer or a mail server's sign-in is waited for.
const LIMIT: Duration = Duration::from_secs(10);
/// It asks for nothing, and costs a call.
const QUESTION: &str = "print 1";

/// A host that calls go to.
struct Host {
    url: Url,
    /// Whether queries go there: its clock is the one that counts.
    is_api: bool,
}

/// All that the network is asked.
pub struct Network<'a> {
    config: &'a Config,
    clock: SharedClock,
    tenants: Vec<(&'a config::Tenant, Result<Probe, Verdict>)>,
    hosts: BTreeMap<String, Host>,
}

impl<'a> Network<'a> {
    /// What there is to ask, by the config; asks nothing yet.
    #[must_use]
    pub fn new(config: &'a Config, secrets: &Secrets, clock: SharedClock) -> Self {
        let limits = TimeLimits { connect: LIMIT, sign_in: LIMIT, head: LIMIT, idle: LIMIT, body: LIMIT };
        let options = ClientOptions { limits, ..ClientOptions::default() };
        let (mut tenants, mut hosts) = (Vec::new(), BTreeMap::new());
        for one in config.tenants.values().filter(|tenant| tenant.enabled) {
            let mut with_secret = one.clone();
            if let Some(Some(source)) = secrets.get(&tenant(&one.name)) {
                with_secret.auth = Auth::ClientSecret(source.clone());
            }
            let probe = Probe::new(&with_secret, Arc::clone(&clock), options.clone());
            let probe = probe.map_err(|error| Verdict::failed(error.to_string(), error.hint()));
            if let Ok(probe) = &probe {
                for (url, is_api) in [(probe.sign_in_url(), false), (probe.query_url(), true)] {
                    let host = hosts.entry(origin(url)).or_insert(Host { url: url.clone(), is_api });
                    host.is_api |= is_api;
                }
            }
            tenants.push((one, probe));
        }
        Self { config, clock, tenants, hosts }
    }

    /// How many lines [`checks`](Self::checks) tells.
    #[must_use]
    pub fn count(&self) -> u64 {
        let apis = self.hosts.values().filter(|host| host.is_api).count();
        let all = self.hosts.len() * 3 + apis + self.tenants.len() * 3 + self.mails().count();
        all as u64 + u64::from(self.config.heartbeat.is_some()) + u64::from(self.config.git.is_some())
    }

    /// Asks all of it.
    pub async fn checks(&self, secrets: &Secrets, opened: &Opened, report: &mut Report) -> Result<(), AppError> {
        let mut reached = BTreeMap::new();
        for (origin, host) in &self.hosts {
            reached.insert(origin.as_str(), self.host(&shown(&host.url), host, report).await?);
        }
        for (one, probe) in &self.tenants {
            match probe {
                Ok(probe) => {
                    let is_there = |url| reached.get(origin(url).as_str()).copied().unwrap_or(false);
                    let ways = Ways { sign_in: is_there(probe.sign_in_url()), api: is_there(probe.query_url()) };
                    self.tenant(one, probe, ways, (secrets, opened), report).await?;
                }
                Err(verdict) => {
                    let subject = tenant(&one.name);
                    report.tell(Check::Token, &subject, verdict.clone())?;
                    report.tell(Check::Roles, &subject, Verdict::behind(Check::Token))?;
                    report.tell(Check::Call, &subject, Verdict::behind(Check::Token))?;
                }
            }
        }
        for (name, mail) in self.mails() {
            let subject = channel(name);
            let verdict = if secrets.get(&subject).is_some_and(Option::is_none) {
                Verdict::behind(Check::Secret)
            } else {
                report.begin(Check::Mail, &subject);
                knock(name, mail, secrets.get(&subject).cloned().flatten()).await
            };
            report.tell(Check::Mail, &subject, verdict)?;
        }
        if let Some(git) = &self.config.git {
            let verdict = if secrets.get(REPOSITORY).is_some_and(Option::is_none) {
                Verdict::behind(Check::Secret)
            } else {
                report.begin(Check::Repository, &git.url);
                repository(git, secrets.get(REPOSITORY).cloned().flatten()).await
            };
            report.tell(Check::Repository, &git.url, verdict)?;
        }
        match &self.config.heartbeat {
            None => Ok(()),
            Some(beat) => {
                let name = shown(&beat.url);
                report.begin(Check::Heartbeat, &name);
                report.tell(Check::Heartbeat, &name, heartbeat(&name, beat).await).map(drop)
            }
        }
    }

    /// The way to a host; whether it can be reached.
    async fn host(&self, name: &str, host: &Host, report: &mut Report) -> Result<bool, AppError> {
        report.begin(Check::Dns, name);
        let proxy = reach::proxy(&host.url);
        let (dns, on_the_way) = if let Some(proxy) = &proxy {
            let dns = Verdict::skipped("the proxy looks the name up", "nothing to mend");
            (dns, judge::proxy(&proxy.shown, proxy.connect().await.as_ref().map(drop).map_err(String::as_str)))
        } else {
            let found = reach::addresses(&host.url).await;
            (judge::dns(name, found.as_ref().copied().map_err(String::as_str)), Verdict::ok("none on the way"))
        };
        let is_known = report.tell(Check::Dns, name, dns)? || proxy.is_some();
        let is_open = report.tell(Check::Proxy, name, on_the_way)?;
        if !is_known || !is_open {
            let first = if is_known { Check::Proxy } else { Check::Dns };
            report.tell(Check::Tls, name, Verdict::behind(first))?;
            if host.is_api {
                report.tell(Check::Clock, name, Verdict::behind(first))?;
            }
            return Ok(false);
        }
        report.begin(Check::Tls, name);
        let seen = reach::ask(&host.url, AHEAD, &self.clock).await;
        let trust = seen.as_ref().map(|seen| trust(seen.lasts)).map_err(String::as_str);
        report.tell(Check::Tls, name, judge::tls(name, trust))?;
        if host.is_api {
            let clock = match &seen {
                Err(_) => Verdict::behind(Check::Tls),
                Ok(seen) => match seen.date {
                    Some(date) => judge::clock(date, seen.asked, seen.answered),
                    None => Verdict::skipped(
                        "the API's answer has no Date",
                        "see with `timedatectl` whether the clock is synchronised",
                    ),
                },
            };
            report.tell(Check::Clock, name, clock)?;
        }
        Ok(seen.is_ok())
    }

    async fn tenant(
        &self,
        one: &config::Tenant,
        probe: &Probe,
        ways: Ways,
        (secrets, opened): (&Secrets, &Opened),
        report: &mut Report,
    ) -> Result<(), AppError> {
        let subject = tenant(&one.name);
        report.begin(Check::Token, &subject);
        let asked = if secrets.get(&subject).is_none_or(Option::is_none) {
            Err(Verdict::behind(Check::Secret))
        } else if ways.sign_in {
            probe.token().await.map_err(|failure| refused(&failure))
        } else {
            Err(Verdict::behind(Check::Tls))
        };
        let (needed, api) = probe.permission();
        let (signed_in, roles) = match asked {
            Ok(text) => (Verdict::ok("the sign-in gave one"), token::roles(text.expose_secret(), needed, api)),
            Err(verdict) => (verdict, Verdict::behind(Check::Token)),
        };
        let is_in = report.tell(Check::Token, &subject, signed_in)?;
        // A token that can't be read may have the role all the same.
        let lacks = roles.state == State::Failed;
        report.tell(Check::Roles, &subject, roles)?;
        let verdict = match opened {
            _ if !is_in => Verdict::behind(Check::Token),
            _ if lacks => Verdict::behind(Check::Roles),
            _ if !ways.api => Verdict::behind(Check::Tls),
            Opened::None(why) => Verdict::skipped(
                format!("no call was made, as {why}: each call is counted there before it goes out"),
                "see `database` above; once the daemon or `huntd run` has made it, run doctor again",
            ),
            Opened::Store(store) => {
                report.begin(Check::Call, &subject);
                let known = Tenant { name: one.name.clone(), quota: one.quota, api: probe.api() };
                match probe_once(store, &self.clock, &known).await {
                    Ok(verdict) => verdict,
                    Err(error) => Verdict::skipped(
                        format!("no call was made, as it can't be counted: {error}"),
                        error.hint().unwrap_or("see `database` above"),
                    ),
                }
            }
        };
        report.tell(Check::Call, &subject, verdict).map(drop)
    }

    /// Whether the certificates of each server will last; none where it has none, or can't be reached.
    pub async fn lasting(&self) -> BTreeMap<String, Option<bool>> {
        // Over plain HTTP there is nothing to be seen, and a heartbeat's host would take a greeting for a beat.
        let is_protected = |url: &Url| url.scheme() == "https";
        let hosts = join_all(self.hosts.values().filter(|host| is_protected(&host.url)).map(async |host| {
            let seen = reach::ask(&host.url, AHEAD, &self.clock).await;
            (shown(&host.url), seen.ok().and_then(|seen| seen.lasts))
        }));
        let mails = join_all(self.mails().filter_map(|(name, settings)| {
            let (email, server) = (Email::new(name.clone(), settings).ok()?, place(settings)?);
            Some(async move { (server, email.knock(LIMIT, AHEAD).await.and_then(Result::ok).flatten()) })
        }));
        let beat = async {
            let beat = self
                .config
                .heartbeat
                .as_ref()
                .filter(|beat| is_protected(&beat.url) && reach::proxy(&beat.url).is_none())?;
            Some((shown(&beat.url), reach::greet(&beat.url, AHEAD).await.ok().flatten()))
        };
        let (hosts, mails, beat) = tokio::join!(hosts, mails, beat);
        hosts.into_iter().chain(mails).chain(beat).collect()
    }

    fn mails(&self) -> impl Iterator<Item = (&'a ChannelName, &'a EmailChannel)> {
        self.config.channels.iter().filter_map(|(name, kind)| match kind {
            ChannelKind::Email(mail) if matches!(mail.transport, MailTransport::Smtp { .. }) => {
                Some((name, mail.as_ref()))
            }
            _ => None,
        })
    }
}

/// Whether the two hosts of a tenant can be reached.
#[derive(Clone, Copy)]
struct Ways {
    sign_in: bool,
    api: bool,
}

/// A mail server's host and port.
fn place(settings: &EmailChannel) -> Option<String> {
    match &settings.transport {
        MailTransport::Smtp { host, port, .. } => Some(format!("{host}:{port}")),
        MailTransport::Folder(_) => None,
    }
}

/// A URL's host, with its port where it isn't the scheme's own: path and query may be secret.
fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Scheme, host and port: what is reached in the same way.
fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

const fn trust(lasts: Option<bool>) -> Trust {
    match lasts {
        None => Trust::Plain,
        Some(true) => Trust::Lasting,
        Some(false) => Trust::Ending,
    }
}

fn refused(failure: &ApiFailure) -> Verdict {
    let hint = failure.hint.as_deref().unwrap_or_else(|| remedy::hint(&failure.class));
    Verdict::failed(&failure.message, hint)
}

async fn probe_once(store: &Store, clock: &SharedClock, tenant: &Tenant) -> Result<Verdict, StoreError> {
    Ok(match probe(store, clock, tenant, QUESTION, LIMIT).await? {
        Probed::Answered(_) => Verdict::ok(format!("the API answers `{QUESTION}`")),
        Probed::Failed(failure) => refused(&failure),
        Probed::Held { until, why } => Verdict::skipped(
            format!("no call was made: {why}, until {}", until.local()),
            "run doctor again then; `huntd quota` shows what is used and left",
        ),
    })
}

/// Greeting, TLS and sign-in of a mail server.
async fn knock(name: &ChannelName, settings: &EmailChannel, password: Option<SecretSource>) -> Verdict {
    let mut settings = settings.clone();
    settings.password = password.or(settings.password);
    let email = match Email::new(name.clone(), &settings) {
        Ok(email) => email,
        Err(error) => return Verdict::failed(error.to_string(), "mend the channel in the config"),
    };
    match email.knock(LIMIT, AHEAD).await {
        None => Verdict::skipped("mails go to a folder", "nothing to mend"),
        Some(met) => {
            let met = met.as_ref().map(|lasts| trust(*lasts)).map_err(String::as_str);
            judge::mail(&place(&settings).unwrap_or_default(), settings.user.is_some(), met)
        }
    }
}

/// That the branch that the hunts come from is there; nothing of it is taken.
async fn repository(git: &Upstream, token: Option<SecretSource>) -> Verdict {
    let mut upstream = git.clone();
    if let (Some(token), Some(source)) = (&mut upstream.token, token) {
        token.source = source;
    }
    let ask = move || {
        let asked = Repository::new(&upstream, &|| false).ask();
        asked.map_err(|error| (error.to_string(), error.hint()))
    };
    match tokio::task::spawn_blocking(ask).await {
        Ok(Ok(commit)) => system::repository(&git.branch, Ok(commit.as_deref())),
        Ok(Err(why)) => system::repository(&git.branch, Err(why)),
        Err(error) => Verdict::failed(error.to_string(), "run doctor again"),
    }
}

/// That the host of the dead man's switch is there: a beat itself would say that the engine runs.
async fn heartbeat(name: &str, beat: &Heartbeat) -> Verdict {
    if let Some(proxy) = reach::proxy(&beat.url) {
        return judge::proxy(&proxy.shown, proxy.connect().await.as_ref().map(drop).map_err(String::as_str));
    }
    match reach::greet(&beat.url, AHEAD).await.map(trust) {
        Ok(Trust::Plain) => Verdict::ok("can be reached; no beat was sent"),
        Ok(Trust::Lasting) => Verdict::ok("can be reached, and is trusted; no beat was sent"),
        Ok(Trust::Ending) => judge::tls(name, Ok(Trust::Ending)),
        Err(why) => judge::tls(name, Err(&why)),
    }
}
