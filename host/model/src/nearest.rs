//! "Did you mean": the known name that a mistyped one is closest to.

/// Longer texts are no names, and comparing them takes time that grows with the square of their length.
const BYTES_MAX: usize = 128;

/// The known name with the fewest typing mistakes between, when they are few enough to be likely. None for texts of more
/// than 128 bytes.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likely =
        |distance: usize, name: &str| distance <= 1.max(found.chars().count().min(name.chars().count()) / 3);
    known
        .into_iter()
        .filter(|name| found.len() <= BYTES_MAX && name.len() <= BYTES_MAX)
        .map(|name| (strsim::damerau_levenshtein(found, name), name))
        .filter(|(distance, name)| *distance > 0 && likely(*distance, name))
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_mistakes_are_near_and_other_words_are_not() {
        let known = ["order.paid", "order.refunded", "uses", "coupon"];
        assert_eq!(nearest("oder.paid", known), Some("order.paid"));
        assert_eq!(nearest("use", known), Some("uses"));
        assert_eq!(nearest("cuopon", known), Some("coupon"));
        assert_eq!(nearest("shipment", known), None);
        assert_eq!(nearest("coupon", known), None, "a known name needs no suggestion");
        assert_eq!(nearest(&"x".repeat(1 << 20), known), None, "a text of a megabyte is no name");
    }
}
