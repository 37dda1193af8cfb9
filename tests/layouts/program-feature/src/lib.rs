/// Sets cells in columns of equal width.
pub fn row(cells: &[&str], width: usize) -> String {
    cells.iter().map(|each| format!("{each:width$}")).collect::<String>().trim_end().to_owned()
}

#[test]
fn columns_have_one_width() {
    assert_eq!(row(&["a", "b"], 3), "a  b");
}
