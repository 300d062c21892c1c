//! Rows of Markdown tables: what a page lists that a law compares with the source.

/// The cells of every row whose first cell is code, as in `` | `name` | 3 | ``; code without its
/// marks.
pub(crate) fn rows(page: &str) -> impl Iterator<Item = Vec<&str>> {
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let line = line.trim().trim_matches('|');
        line.split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_that_begin_with_code_are_read() {
        let page = "| Name | Much |\n|---|--:|\n| `a` | 3 |\n| b | 4 |\n`c` | 5\n";
        let found: Vec<Vec<&str>> = rows(page).collect();
        assert_eq!(found, [["a", "3"]]);
    }
}
