//! A client that can be looked into: where it calls, and what its token says. For `doctor`.

use std::fmt;
use std::sync::Arc;

use url::Url;

use super::client::{Client, ClientError, ClientOptions};
use super::hosts::permission;
use crate::model::config::{ApiKind, Tenant};
use crate::model::failure::ApiFailure;
use crate::model::secret::SecretString;
use crate::ports::api::TenantApi;
use crate::ports::clock::SharedClock;

/// One tenant's client, and what it calls with.
pub struct Probe(Arc<Client>);

impl Probe {
    /// The client of `tenant`. Makes no call and reads no secret yet.
    pub fn new(tenant: &Tenant, clock: SharedClock, options: ClientOptions) -> Result<Self, ClientError> {
        Ok(Self(Arc::new(Client::new(tenant, clock, options)?)))
    }

    /// Where it signs in.
    #[must_use]
    pub fn sign_in_url(&self) -> &Url {
        &self.0.hosts.token
    }

    /// Where it posts queries.
    #[must_use]
    pub fn query_url(&self) -> &Url {
        &self.0.hosts.query
    }

    /// The application permission that the app needs, and the API that has it.
    #[must_use]
    pub fn permission(&self) -> (&'static str, &'static str) {
        let api = match self.0.api {
            ApiKind::Graph => "Microsoft Graph",
            ApiKind::Defender => "Microsoft Threat Protection",
        };
        (permission(self.0.api), api)
    }

    /// The token; asked for where there is none.
    pub async fn token(&self) -> Result<SecretString, ApiFailure> {
        Ok(self.0.tokens.get().await?.text.clone())
    }

    /// The same client, for calls.
    #[must_use]
    pub fn api(&self) -> Arc<dyn TenantApi> {
        Arc::<Client>::clone(&self.0)
    }
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Probe").field(&self.0).finish()
    }
}
