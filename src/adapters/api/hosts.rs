//! Which hosts a tenant's calls go to.
//!
//! Sources: Microsoft Learn, Graph national cloud deployments; Defender XDR for US government
//! customers; the scope of the government's older hosts isn't printed there and is built like the
//! public one (read 2026-11-24).

use url::{Host, Url};

use crate::model::config::{ApiKind, Cloud, Tenant};

/// Why no address can be made of a tenant's settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Advanced hunting isn't offered in China.
    #[error("advanced hunting isn't offered in the cloud `china`")]
    NotOffered,
    /// A URL of the config that can't serve.
    #[error("{key} `{url}` {why}")]
    BadUrl {
        /// `login_url` or `api_url`.
        key: &'static str,
        /// The URL, without a password.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl HostError {
    /// How to mend it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NotOffered => {
                "Microsoft lists runHuntingQuery for the public and the US government clouds only; \
                 if your tenant has an endpoint all the same, name it as `api_url`"
            }
            Self::BadUrl { .. } => "write `https://host`; plain `http://` is taken for this machine alone",
        }
    }
}

/// The addresses of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hosts {
    /// Where a token is asked for.
    pub(super) token: Url,
    /// What it is asked for.
    pub(super) scope: String,
    /// Where queries are posted.
    pub(super) query: Url,
}

impl Hosts {
    /// The addresses of `tenant`: its cloud's, but for what it overrides. The scope stays the
    /// cloud's own, as a proxy in front of the API doesn't change whom the token is for.
    pub(super) fn of(tenant: &Tenant) -> Result<Self, HostError> {
        if tenant.cloud == Cloud::China && tenant.api_url.is_none() {
            return Err(HostError::NotOffered);
        }
        let resource = api_base(tenant.api, tenant.cloud);
        let login = base("login_url", tenant.login_url.as_ref(), login_base(tenant.cloud))?;
        let api = base("api_url", tenant.api_url.as_ref(), resource)?;
        Ok(Self {
            token: below(login, &[&tenant.tenant_id, "oauth2", "v2.0", "token"]),
            scope: format!("{resource}/.default"),
            query: below(api, query_path(tenant.api)),
        })
    }
}

const fn login_base(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Public | Cloud::Gcc => "https://login.microsoftonline.com",
        Cloud::GccHigh | Cloud::Dod => "https://login.microsoftonline.us",
        Cloud::China => "https://login.partner.microsoftonline.cn",
    }
}

const fn api_base(api: ApiKind, cloud: Cloud) -> &'static str {
    match (api, cloud) {
        (ApiKind::Graph, Cloud::Public | Cloud::Gcc) => "https://graph.microsoft.com",
        (ApiKind::Graph, Cloud::GccHigh) => "https://graph.microsoft.us",
        (ApiKind::Graph, Cloud::Dod) => "https://dod-graph.microsoft.us",
        (ApiKind::Graph, Cloud::China) => "https://microsoftgraph.chinacloudapi.cn",
        // No host of the older API is known in China: the public scope serves an `api_url` there.
        (ApiKind::Defender, Cloud::Public | Cloud::China) => "https://api.security.microsoft.com",
        (ApiKind::Defender, Cloud::Gcc) => "https://api-gcc.security.microsoft.us",
        (ApiKind::Defender, Cloud::GccHigh | Cloud::Dod) => "https://api-gov.security.microsoft.us",
    }
}

const fn query_path(api: ApiKind) -> &'static [&'static str] {
    match api {
        ApiKind::Graph => &["v1.0", "security", "runHuntingQuery"],
        ApiKind::Defender => &["api", "advancedhunting", "run"],
    }
}

/// The application permission that an app needs.
pub(super) const fn permission(api: ApiKind) -> &'static str {
    match api {
        ApiKind::Graph => "ThreatHunting.Read.All",
        ApiKind::Defender => "AdvancedHunting.Read.All",
    }
}

/// The override where there is one, checked; else the cloud's own.
fn base(key: &'static str, given: Option<&Url>, own: &'static str) -> Result<Url, HostError> {
    let Some(url) = given else {
        return Url::parse(own).map_err(|_| bad(key, own.to_owned(), "is no URL"));
    };
    let why = if !url.username().is_empty() || url.password().is_some() {
        "holds a user or a password"
    } else if url.query().is_some() || url.fragment().is_some() {
        "holds a query or a fragment"
    } else if url.host().is_none() {
        "names no host"
    } else if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)) {
        return Ok(url.clone());
    } else if url.scheme() == "http" {
        "would send the secret in clear text to another machine"
    } else {
        "is neither https nor http"
    };
    Err(bad(key, shown(url), why))
}

fn bad(key: &'static str, url: String, why: &'static str) -> HostError {
    HostError::BadUrl { key, url, why }
}

/// Scheme and host alone: what else stands in a URL may be a secret.
fn shown(url: &Url) -> String {
    format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default())
}

/// Whether the URL can lead to this machine alone. `localhost` is pinned to the loopback addresses
/// by the transport, so that no resolver can send it elsewhere.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// `base` with path segments added; each is escaped, so that none can lead out of its place.
fn below(mut base: Url, segments: &[&str]) -> Url {
    if let Ok(mut path) = base.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    base
}

#[cfg(test)]
pub(super) mod tests {

    use super::*;
    use crate::model::config::{Auth, Quota};
    use crate::model::id::TenantName;
    use crate::model::secret::SecretSource;

    pub(in super::super) fn tenant(api: ApiKind, cloud: Cloud) -> Tenant {
        Tenant {
            name: TenantName::new("contoso").unwrap(),
            api,
            cloud,
            tenant_id: "contoso.example".to_owned(),
            client_id: "app".to_owned(),
            auth: Auth::ClientSecret(SecretSource::Env("SECRET".to_owned())),
            secret_expires: None,
            login_url: None,
            api_url: None,
            quota: Quota::DEFAULT,
            canary: false,
            enabled: true,
        }
    }

    #[test]
    fn every_cloud_has_its_hosts() {
        use ApiKind::{Defender, Graph};
        use Cloud::{Dod, Gcc, GccHigh, Public};
        let cases = [
            (Graph, Public, "login.microsoftonline.com", "graph.microsoft.com"),
            (Graph, Gcc, "login.microsoftonline.com", "graph.microsoft.com"),
            (Graph, GccHigh, "login.microsoftonline.us", "graph.microsoft.us"),
            (Graph, Dod, "login.microsoftonline.us", "dod-graph.microsoft.us"),
            (Defender, Public, "login.microsoftonline.com", "api.security.microsoft.com"),
            (Defender, Gcc, "login.microsoftonline.com", "api-gcc.security.microsoft.us"),
            (Defender, GccHigh, "login.microsoftonline.us", "api-gov.security.microsoft.us"),
            (Defender, Dod, "login.microsoftonline.us", "api-gov.security.microsoft.us"),
        ];
        for (api, cloud, login, host) in cases {
            let hosts = Hosts::of(&tenant(api, cloud)).unwrap();
            let path = if api == Graph { "v1.0/security/runHuntingQuery" } else { "api/advancedhunting/run" };
            assert_eq!(hosts.token.as_str(), format!("https://{login}/contoso.example/oauth2/v2.0/token"));
            assert_eq!(hosts.query.as_str(), format!("https://{host}/{path}"));
            assert_eq!(hosts.scope, format!("https://{host}/.default"));
        }
    }

    #[test]
    fn china_works_through_an_api_url_alone() {
        let mut tenant = tenant(ApiKind::Graph, Cloud::China);
        let error = Hosts::of(&tenant).unwrap_err();
        assert_eq!(error, HostError::NotOffered);
        assert!(error.hint().contains("api_url"));
        tenant.api_url = Some(Url::parse("https://proxy.example").unwrap());
        let hosts = Hosts::of(&tenant).unwrap();
        assert_eq!(hosts.query.as_str(), "https://proxy.example/v1.0/security/runHuntingQuery");
        assert_eq!(hosts.scope, "https://microsoftgraph.chinacloudapi.cn/.default");
        assert_eq!(hosts.token.host_str(), Some("login.partner.microsoftonline.cn"));
    }

    #[test]
    fn overrides_take_a_base_with_or_without_a_path() {
        let mut tenant = tenant(ApiKind::Defender, Cloud::Public);
        tenant.tenant_id = "a/../b".to_owned();
        for (given, wanted) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:1/", "http://[::1]:1"),
            ("http://localhost", "http://localhost"),
            ("https://proxy.example/defender/", "https://proxy.example/defender"),
        ] {
            tenant.login_url = Some(Url::parse(given).unwrap());
            tenant.api_url = tenant.login_url.clone();
            let hosts = Hosts::of(&tenant).unwrap();
            assert_eq!(hosts.query.as_str(), format!("{wanted}/api/advancedhunting/run"));
            assert_eq!(hosts.token.as_str(), format!("{wanted}/a%2F..%2Fb/oauth2/v2.0/token"));
            assert_eq!(hosts.scope, "https://api.security.microsoft.com/.default");
        }
    }

    #[test]
    fn urls_that_would_leak_or_cannot_serve_are_refused() {
        let cases = [
            ("http://example.com", "`http://example.com` would send the secret in clear text to another machine"),
            ("http://127.0.0.1.example", "would send the secret"),
            ("http://0.0.0.0", "would send the secret"),
            ("https://u:hush@h.example", "`https://h.example` holds a user or a password"),
            ("https://h.example/?k=hush", "holds a query or a fragment"),
            ("ftp://h.example", "is neither https nor http"),
            ("file:///etc", "names no host"),
        ];
        for (given, wanted) in cases {
            let mut tenant = tenant(ApiKind::Graph, Cloud::Public);
            tenant.login_url = Some(Url::parse(given).unwrap());
            let error = Hosts::of(&tenant).unwrap_err().to_string();
            assert!(error.starts_with("login_url `"), "{error}");
            assert!(error.contains(wanted), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
