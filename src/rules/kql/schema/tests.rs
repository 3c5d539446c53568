use super::*;

#[test]
fn the_schema_has_what_the_documentation_names() {
    let schema = Schema::defender();
    assert_eq!(schema.tables().count(), 65);
    assert_eq!(schema.tables().map(|table| table.columns().len()).sum::<usize>(), 1621);
    assert_eq!(schema.functions().count(), 10);
    assert_eq!(Schema::version(), "2026-08-04");
    assert!(!schema.workspace());
    for table in schema.tables() {
        for column in table.columns() {
            assert_eq!(table.column(&column.name), Some(column), "{}", table.name);
            assert!(column.ty != Type::Unknown && column.also != Some(column.ty), "{}", table.name);
        }
        let named = table.time.iter().chain(&table.key);
        assert!(named.into_iter().all(|name| table.column(name).is_some()), "{}", table.name);
    }
}

#[test]
fn the_facts_of_a_table_are_read() {
    let schema = Schema::defender();
    let facts = |name: &str| {
        let table = schema.table(name).unwrap();
        (table.time.as_deref(), table.key.iter().map(|k| &**k).collect::<Vec<_>>(), table.key_inferred, table.kind)
    };
    let device = vec!["Timestamp", "DeviceId", "ReportId"];
    assert_eq!(facts("DeviceProcessEvents"), (Some("Timestamp"), device, false, TableKind::Event));
    assert_eq!(facts("AlertEvidence"), (Some("Timestamp"), vec![], false, TableKind::Event));
    assert_eq!(facts("ExposureGraphNodes"), (None, vec!["NodeId"], true, TableKind::Entity));
    assert_eq!(facts("CallActivityEvents").0, Some("ActivityTimestamp"));
    assert_eq!(facts("DeviceTvmSoftwareInventory").3, TableKind::Inventory);

    let table = schema.table("DeviceProcessEvents").unwrap();
    assert_eq!(table.columns()[0].name.as_ref(), "Timestamp");
    assert_eq!(table.column("ReportId").unwrap().ty, Type::Long);
    assert_eq!(table.column("AdditionalFields").unwrap().also, Some(Type::DYNAMIC));
    assert!(table.column("LogonId").is_some() && table.column("LogonID").is_some());
    assert!(table.column("logonid").is_none() && table.column("").is_none() && table.column("TimeGenerated").is_none());
    assert!(schema.table("deviceprocessevents").is_none());
}

#[test]
fn a_function_says_what_it_takes_and_gives() {
    let schema = Schema::defender();
    let file = schema.function("FileProfile").unwrap();
    assert!(file.invoked() && file.keeps_input && file.certain);
    assert_eq!(file.columns.len(), 18);
    assert_eq!(file.params[0].kind, ParamKind::Table(Vec::new()));
    let limit = FunctionParam { name: "y", kind: ParamKind::Scalar(Type::Long), optional: true, default: Some("100") };
    assert_eq!(file.params[2], limit);

    let from = schema.function("DeviceFromIP").unwrap();
    assert_eq!(from.params[0].kind, ParamKind::Table(vec![("IP", Type::String)]));
    assert_eq!((from.params[2].optional, from.params[2].default), (true, None));
    assert!(!from.certain);

    let assigned = schema.function("AssignedIPAddresses").unwrap();
    assert!(!assigned.invoked() && !assigned.keeps_input && !assigned.params[0].optional);
    assert!(schema.functions().all(|function| !function.params.is_empty()));
}

#[test]
fn old_names_lead_to_those_of_today() {
    let schema = Schema::defender();
    for (old, new, since) in [
        ("ProcessCreationEvents", &["DeviceProcessEvents"][..], Some("2020-01")),
        ("AlertEvents", &["AlertInfo", "AlertEvidence"], Some("2020-01")),
        ("DeviceAlertEvents", &["AlertInfo", "AlertEvidence"], Some("2020-10")),
        ("AccountInfo", &["IdentityInfo"], None),
        ("AADSignInEventsBeta", &["EntraIdSignInEvents"], Some("2025-12-09")),
    ] {
        let found = schema.renamed_table(old).unwrap();
        assert_eq!((&found.new[..], found.since), (new, since), "{old}");
        assert!(new.iter().all(|name| schema.table(name).is_some()), "{old}");
    }
    assert_eq!(schema.renamed_table("DeviceProcessEvents"), None);
    assert_eq!(schema.renamed_table("*.EventTime"), None);

    for (table, old, new) in [
        ("EmailEvents", "FinalEmailAction", "EmailAction"),
        ("DeviceNetworkEvents", "ComputerName", "DeviceName"),
        ("DeviceInfo", "EventTime", "Timestamp"),
        ("DeviceInfo", "DeviceObjectId", "AadDeviceId"),
        ("EntraIdSignInEvents", "AadDeviceId", "EntraIdDeviceId"),
        ("GraphAPIAuditEvents", "IPAddress", "IpAddress"),
    ] {
        assert_eq!(schema.renamed_column(table, old).unwrap().new, [new], "{table}.{old}");
        assert!(schema.table(table).unwrap().column(new).is_some(), "{table}.{new}");
    }
    assert_eq!(schema.renamed_column("EmailEvents", "ComputerName"), None);
    assert_eq!(schema.renamed_column("EmailEvents", "DetectionSource=MTP"), None);

    for (table, column, old, new) in [
        ("AlertInfo", "DetectionSource", "WindowsDefenderAv", "Antivirus"),
        ("AlertEvidence", "DetectionSource", "WindowsDefenderAv", "Antivirus"),
        ("AlertInfo", "ServiceSource", "Azure ATP", "Microsoft Defender for Identity"),
        ("DeviceEvents", "ActionType", "UsbDriveMount", "UsbDriveMounted"),
    ] {
        assert_eq!(schema.renamed_value(table, column, old).unwrap().new, [new], "{old}");
    }
    assert_eq!(schema.renamed_value("AlertInfo", "Title", "WindowsDefenderAv"), None);
}

#[test]
fn names_of_elsewhere_are_known() {
    let schema = Schema::defender();
    assert_eq!(schema.of_workspace("SigninLogs"), Some(&["EntraIdSignInEvents"][..]));
    for (name, known) in [
        ("ThreatIntelligenceIndicator", true),
        ("Orders_CL", true),
        ("_Im_Dns", true),
        ("_GetWatchlist", true),
        ("adx", true),
        ("DeviceEvents", false),
        ("DeviceEvent", false),
        ("signinlogs", false),
    ] {
        assert_eq!(schema.of_workspace(name).is_some(), known, "{name}");
    }
    for (_, instead) in names::workspace() {
        assert!(instead.iter().all(|name| schema.table(name).is_some()), "{instead:?}");
    }
    let logons = schema.table("DeviceLogonEvents").unwrap();
    assert_eq!(schema.likewise(logons, "Computer"), Some("DeviceName"));
    assert_eq!(schema.likewise(logons, "UserPrincipalName"), None);
    assert_eq!(
        schema.likewise(schema.table("CallActivityEvents").unwrap(), "TimeGenerated"),
        Some("ActivityTimestamp")
    );
    assert_eq!(schema.maybe_column("DeviceEvents", "ProcessUniqueId"), Some(Type::String));
    assert_eq!(schema.maybe_column("DeviceEvents", "EpssScore"), None);
}

#[test]
fn a_workspace_adds_columns_to_every_table() {
    let alone = Schema::defender();
    let both = alone.clone().with_workspace(true);
    assert_eq!(alone.everywhere("TimeGenerated"), None);
    assert_eq!(both.everywhere("TimeGenerated"), Some(Type::Datetime));
    assert_eq!(both.everywhere("Computer"), None);
    assert!(both.workspace());
}

#[test]
fn a_user_adds_tables_and_columns() {
    let text = "\u{feff}# ours\nOrders_CL\tTimeGenerated\tdatetime\nOrders_CL\tTotal\tDouble\r\n\n\
                DeviceInfo\tOwner_s\tstring\nDeviceInfo\tAdditionalFields\tdynamic\n";
    let schema = Schema::defender().extend_tsv(text).unwrap();
    let orders = schema.table("Orders_CL").unwrap();
    assert_eq!(orders.time.as_deref(), Some("TimeGenerated"));
    assert_eq!(orders.column("Total").unwrap().ty, Type::Real);
    assert!(orders.key.is_empty() && orders.key_inferred);
    let device = schema.table("DeviceInfo").unwrap();
    assert_eq!(device.column("Owner_s").unwrap().ty, Type::String);
    assert_eq!(device.column("AdditionalFields").unwrap().ty, Type::DYNAMIC);
    assert_eq!(device.column("DeviceName").unwrap().ty, Type::String);
    assert_eq!(device.columns().len(), Schema::defender().table("DeviceInfo").unwrap().columns().len() + 1);
    assert!(Schema::defender().table("Orders_CL").is_none());

    for (text, line, what) in [
        ("A\tb\tlong\nA\tc", 2, "2 found"),
        ("# x\n\nA\tb\tlong\td", 3, "4 found"),
        ("A\tb\tnumber", 1, "there is no type \"number\""),
        ("\tb\tlong", 1, "empty"),
    ] {
        let error = Schema::defender().extend_tsv(text).unwrap_err();
        assert_eq!(error.line, line, "{text}");
        assert!(error.what.contains(what), "{error}");
    }
}
