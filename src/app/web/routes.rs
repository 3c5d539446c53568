//! What is answered to a request: pure.

use std::net::IpAddr;

/// A request, as far as it counts.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, without its query.
    pub path: &'a str,
    /// The `Host` header.
    pub host: Option<&'a str>,
    /// Whether huntd listens on loopback.
    pub on_loopback: bool,
}

/// What is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// The metrics.
    Metrics,
    /// Whether the daemon is alive.
    Health,
    /// Whether it is ready.
    Ready,
    /// What there is.
    Index,
    /// There is nothing at that path.
    NotFound,
    /// Only GET and HEAD.
    NotAllowed,
    /// The name isn't this machine's.
    WrongHost,
}

/// What is answered to a request.
///
/// On loopback a name that isn't this machine's is refused: a page in a browser here may have made its own name lead to
/// 127.0.0.1, and would read what it must not (DNS rebinding).
#[must_use]
pub fn route(asked: Asked<'_>) -> Route {
    if asked.on_loopback && !asked.host.is_none_or(is_this_machine) {
        return Route::WrongHost;
    }
    if !matches!(asked.method, "GET" | "HEAD") {
        return Route::NotAllowed;
    }
    match asked.path {
        "/metrics" => Route::Metrics,
        "/healthz" => Route::Health,
        "/readyz" => Route::Ready,
        "/" => Route::Index,
        _ => Route::NotFound,
    }
}

/// Whether a `Host` is an address or `localhost`, with a port or without: none that another could own.
fn is_this_machine(host: &str) -> bool {
    let is_address = |text: &str| text.parse::<IpAddr>().is_ok();
    if let Some(inside) = host.strip_prefix('[') {
        return inside.split_once(']').is_some_and(|(address, port)| is_address(address) && is_port(port));
    }
    let (name, port) = host.find(':').map_or((host, ""), |at| host.split_at(at));
    is_port(port) && (is_address(name) || name.eq_ignore_ascii_case("localhost"))
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Asked<'_> = Asked { method: "GET", path: "/metrics", host: Some("127.0.0.1:9464"), on_loopback: true };

    #[test]
    fn each_path_has_its_answer() {
        for (path, expected) in [
            ("/metrics", Route::Metrics),
            ("/healthz", Route::Health),
            ("/readyz", Route::Ready),
            ("/", Route::Index),
            ("/metrics/", Route::NotFound),
            ("//metrics", Route::NotFound),
            ("/../etc/passwd", Route::NotFound),
            ("", Route::NotFound),
        ] {
            assert_eq!(route(Asked { path, ..ASKED }), expected, "{path}");
        }
        for (method, expected) in
            [("HEAD", Route::Metrics), ("POST", Route::NotAllowed), ("OPTIONS", Route::NotAllowed)]
        {
            assert_eq!(route(Asked { method, ..ASKED }), expected, "{method}");
        }
    }

    #[test]
    fn a_name_of_others_is_refused_on_loopback() {
        for host in ["127.0.0.1", "localhost:9464", "LocalHost", "[::1]:9464", "[::1]", "192.0.2.1:1"] {
            assert_eq!(route(Asked { host: Some(host), ..ASKED }), Route::Metrics, "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:9464",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "",
            "[::1",
            "[::1]x",
            "localhost:",
            "localhost:x",
            "::1",
            "localhost:1:2",
        ] {
            assert_eq!(route(Asked { host: Some(host), ..ASKED }), Route::WrongHost, "{host}");
            let open = Asked { host: Some(host), on_loopback: false, ..ASKED };
            assert_eq!(route(open), Route::Metrics, "{host}");
        }
        // Of HTTP/1.0, which no browser speaks.
        assert_eq!(route(Asked { host: None, ..ASKED }), Route::Metrics);
    }
}
