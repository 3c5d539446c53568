//! Columns whose values somebody outside chooses.

/// Ends of names of columns that hold what a process, a sender or a visitor wrote.
const ENDS: [&str; 17] = [
    "filename",
    "folderpath",
    "filepath",
    "commandline",
    "subject",
    "url",
    "useragent",
    "displayname",
    "fromaddress",
    "fromdomain",
    "registrykey",
    "registryvaluename",
    "registryvaluedata",
    "fileoriginurl",
    "companyname",
    "description",
    "additionalfields",
];

/// Whether the values of a column are chosen by who causes the event, by the column's name: with such a key, malware
/// that calls itself `svchost.exe` is a file that is long known. Names say it only roughly.
#[must_use]
pub fn is_chosen(column: &str) -> bool {
    let small = column.to_ascii_lowercase();
    ENDS.iter().any(|end| small.ends_with(end))
}
