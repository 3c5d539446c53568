//! How a person mends a failure.

use crate::model::failure::{FailureClass, ThrottleWindow};

/// How to mend a failure of `class`: one sentence, without a full stop.
#[must_use]
pub const fn hint(class: &FailureClass) -> &'static str {
    match class {
        FailureClass::Syntax => {
            "run `huntd check` on the hunt and mend the query; the API doesn't say at which line it stopped"
        }
        FailureClass::Semantic => {
            "mend the table, column or function that the message names; names are case-sensitive, and the tenant's schema is in the portal's advanced hunting page"
        }
        FailureClass::TableMissing { .. } => {
            "mend the table's name, or limit the hunt by `tenants:` to those whose licence has the table; the API says the same when the app's role doesn't cover it"
        }
        FailureClass::LimitsExceeded => {
            "make the query lighter: filter early and on few columns, join small tables, or give the hunt a shorter `lookback`"
        }
        FailureClass::ResultSize => {
            "return less: `project` the columns that are needed, filter more, or give the hunt a shorter `lookback`"
        }
        FailureClass::ThrottledCalls(ThrottleWindow::Minute | ThrottleWindow::Hour) => {
            "other apps spend the tenant's calls too: lower `quota.calls_per_minute` or `quota.calls_per_hour` of the tenant, or run hunts less often"
        }
        FailureClass::ThrottledCalls(ThrottleWindow::Unnamed) => {
            "the gateway asks for fewer calls, and huntd waits; if it lasts, lower `quota.calls_per_minute` of the tenant"
        }
        FailureClass::ThrottledCpu => {
            "the tenant's hunting CPU is spent until the next quarter hour: see the resource report in the portal for the dearest queries, and make them lighter or rarer"
        }
        FailureClass::Timeout => {
            "make the query lighter or give the hunt a shorter `lookback`; the service works three minutes at most on a query"
        }
        FailureClass::Forbidden => {
            "grant the app the application permission ThreatHunting.Read.All of Microsoft Graph (for `api: defender`, AdvancedHunting.Read.All of Microsoft Threat Protection) with admin consent; a new token is needed after that"
        }
        FailureClass::Unauthorized => {
            "check `tenant_id`, `client_id`, `cloud` and `api` of the tenant: a token was issued, and the API doesn't take it"
        }
        FailureClass::Unlicensed => {
            "the tenant has no active Defender XDR licence, or was never provisioned: open its security portal once, or set `enabled: false` for it"
        }
        FailureClass::SignIn => {
            "check `tenant_id`, `client_id` and the secret: it must be the secret's value and not its id, and may have expired"
        }
        FailureClass::Secret => {
            "check that the secret's file or variable exists, isn't empty, and can be read by the user that huntd runs as"
        }
        FailureClass::Request => "check `api_url` and `cloud` of the tenant; if they are right, it is a fault of huntd",
        FailureClass::Service => {
            "the service is unwell or can't be reached: check the network and any proxy, and the Microsoft 365 service health page"
        }
        FailureClass::BrokenBody => "something between here and the service cuts answers short: check any proxy",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hint_is_one_sentence_of_its_own() {
        let window = FailureClass::ThrottledCalls;
        let classes = [
            FailureClass::Syntax,
            FailureClass::Semantic,
            FailureClass::TableMissing { table: String::new() },
            FailureClass::LimitsExceeded,
            FailureClass::ResultSize,
            window(ThrottleWindow::Minute),
            window(ThrottleWindow::Unnamed),
            FailureClass::ThrottledCpu,
            FailureClass::Timeout,
            FailureClass::Forbidden,
            FailureClass::Unauthorized,
            FailureClass::Unlicensed,
            FailureClass::SignIn,
            FailureClass::Secret,
            FailureClass::Request,
            FailureClass::Service,
            FailureClass::BrokenBody,
        ];
        let hints: std::collections::BTreeSet<_> = classes.iter().map(hint).collect();
        assert_eq!(hints.len(), classes.len(), "no two classes share a hint");
        assert!(hints.iter().all(|text| !text.ends_with('.') && text.len() > 30 && !text.contains('\n')));
        // What becomes of the run is said by whoever knows it.
        assert!(hints.iter().all(|text| !text.contains("next run") && !text.contains("tries again")));
    }
}
