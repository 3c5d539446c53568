//! What the service accepts, and which columns come out. The official analyser agrees with each.

use super::super::analyse::analyse;
use super::super::schema::Schema;
use super::told;

/// Queries, each with the columns that come out behind `-->`: `name:type` with `·` for blanks, how many
/// they are where they are many, `?` where the data alone knows.
const QUERIES: &str = include_str!("accepted.kql");

#[test]
fn what_the_service_accepts_is_accepted_with_its_columns() {
    let mut count = 0;
    for case in QUERIES.split("\n\n") {
        let (query, expected) = case.split_once("\n--> ").expect("a query and its columns");
        let analysis = analyse(query, Schema::defender());
        assert_eq!(told(&analysis, query), [], "{query}");
        let columns = analysis.columns.map_or_else(
            || "?".to_owned(),
            |columns| {
                let all = columns.iter().map(|column| format!("{}:{}", column.name.replace(' ', "·"), column.ty));
                if columns.len() > 16 {
                    format!("{} columns", columns.len())
                } else {
                    all.collect::<Vec<_>>().join(" ")
                }
            },
        );
        assert_eq!(columns, expected.trim(), "{query}");
        count += 1;
    }
    assert!(count > 300, "{count} cases");
}

#[test]
fn texts_as_editors_leave_them_are_accepted() {
    for text in [
        "\u{feff}DeviceInfo\r\n| where DeviceName == \"a\"\r\n\r\n| take 5\r\n",
        "\n\n  DeviceInfo\n\n\n  | take 5 ;  \n\n",
        "DeviceInfo\n\t| where (DeviceName == 'a')\n\t// | where \"unclosed (\n\t| take 5 // done",
        "DeviceInfo|where OSBuild>5|take 5",
        "DeviceInfo | where ['DeviceName'] has @\"A\\B\" and not(DeviceName has \"x\")",
        "let unused = 5;\nDeviceInfo",
        "let f = () { DeviceInfo | take 5 };\nf",
    ] {
        let analysis = analyse(text, Schema::defender());
        assert_eq!(told(&analysis, text), [], "{text:?}");
    }
}
