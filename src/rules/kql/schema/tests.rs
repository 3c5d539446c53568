use super::*;

#[test]
fn the_schema_has_what_the_documentation_names() {
    let schema = Schema::defender();
    assert_eq!(schema.tables().count(), 65);
    assert_eq!(schema.tables().map(|table| table.columns().len()).sum::<usize>(), 1621);
    assert_eq!(schema.functions().count(), 10);
    assert_eq!(Schema::version(), "2026-08-04");
    for table in schema.tables() {
        for column in table.columns() {
            assert_eq!(table.column(&column.name), Some(column), "{}", table.name);
            assert!(column.ty != Type::Unknown && column.also != Some(column.ty), "{}", table.name);
        }
        let named = table.time.iter().chain(&table.key);
        assert!(named.into_iter().all(|name| table.column(name).is_some()), "{}", table.name);
    }
}
