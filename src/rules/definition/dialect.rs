//! Which format a document is in, by its keys.

use super::read::OWN_KEYS;
use crate::model::hunt::Dialect;
use crate::rules::yaml::Entry;

/// Keys of Sentinel's formats that nothing else has, in lower case.
const SENTINEL: [&str; 26] = [
    "alertdetailsoverride",
    "alertruletemplatename",
    "customdetails",
    "datasources",
    "description-detailed",
    "description_detailed",
    "displayname",
    "entitymappings",
    "eventgroupingsettings",
    "incidentconfiguration",
    "inputentitytype",
    "inputfields",
    "outputentitytypes",
    "queryfrequency",
    "queryperiod",
    "queryperiodafter",
    "queryperiodbefore",
    "relevanttechniques",
    "requireddataconnectors",
    "sentinelentitiesmappings",
    "subtechniques",
    "suppressionduration",
    "suppressionenabled",
    "templateversion",
    "triggeroperator",
    "triggerthreshold",
];

/// Keys that Sentinel's files have, but that could be a slip in one of huntd's own.
const SENTINEL_TOO: [&str; 6] = ["kind", "metadata", "status", "version", "author", "references"];

/// Keys of a Graph custom detection rule that nothing else has, in lower case.
const CUSTOM_DETECTION: [&str; 5] = ["querycondition", "detectionaction", "isenabled", "detectorid", "lastrundetails"];

/// Keys of a Graph custom detection rule that may stand elsewhere too, in lower case.
const CUSTOM_DETECTION_TOO: [&str; 9] = [
    "@odata.context",
    "@odata.type",
    "createdby",
    "createddatetime",
    "displayname",
    "lastmodifiedby",
    "lastmodifieddatetime",
    "tenantid",
    "status",
];

/// Keys of huntd's that Sentinel's and Graph's files have as well.
const SHARED: [&str; 9] =
    ["id", "name", "description", "severity", "tactics", "techniques", "tags", "query", "enabled"];

/// The document's format.
pub(super) fn dialect_of(entries: &[Entry]) -> Dialect {
    let has = |keys: &[&str]| entries.iter().any(|entry| keys.contains(&entry.key.to_ascii_lowercase().as_str()));
    let own = entries.iter().any(|e| OWN_KEYS.contains(&e.key.as_str()) && !SHARED.contains(&e.key.as_str()));
    // The older set is spelt with capitals: Id, Description, Query.
    let capitals = entries.iter().filter(|e| SHARED.contains(&e.key.to_ascii_lowercase().as_str()));
    let capitals = capitals.filter(|entry| entry.key.starts_with(|c: char| c.is_ascii_uppercase())).count();
    if has(&CUSTOM_DETECTION) {
        Dialect::CustomDetection
    } else if has(&SENTINEL) || (!own && (has(&SENTINEL_TOO) || capitals > 1)) {
        Dialect::Sentinel
    } else {
        Dialect::Huntd
    }
}

/// Whether a key that huntd doesn't read is one that the format is known to have.
pub(super) fn is_known(dialect: Dialect, key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let key = key.as_str();
    match dialect {
        Dialect::Huntd => false,
        Dialect::Sentinel => SENTINEL.contains(&key) || SENTINEL_TOO.contains(&key),
        Dialect::CustomDetection => CUSTOM_DETECTION.contains(&key) || CUSTOM_DETECTION_TOO.contains(&key),
    }
}
