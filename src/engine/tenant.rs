//! A tenant as the engine holds it: its settings and its API.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::config::Quota;
use crate::model::id::TenantName;
use crate::ports::api::TenantApi;

/// A tenant.
#[derive(Clone)]
pub struct Tenant {
    /// Its name.
    pub name: TenantName,
    /// What may be spent on it.
    pub quota: Quota,
    /// Its API.
    pub api: Arc<dyn TenantApi>,
}

impl std::fmt::Debug for Tenant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tenant").field("name", &self.name).field("api", &self.api.endpoint()).finish_non_exhaustive()
    }
}

/// All tenants that are switched on, by name.
pub type Tenants = BTreeMap<TenantName, Arc<Tenant>>;
