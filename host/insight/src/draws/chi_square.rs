//! Pearson's χ² test: how likely it is that chance alone is as far from the published odds as what was drawn.

/// Cells that expect less are put together: below five the χ² distribution is no approximation (Cochran, "The χ² Test of
/// Goodness of Fit", Annals of Mathematical Statistics 23, 1952).
const EXPECTED_MIN: f64 = 5.0;

/// χ², its degrees of freedom, and the probability of a χ² at least as large; none with fewer than two cells.
pub(super) fn test(cells: &[(u64, f64)]) -> Option<(f64, u32, f64)> {
    let (mut square, mut count) = (0.0, 0);
    let (mut rare_drawn, mut rare_expected) = (0_u64, 0.0);
    let mut add = |drawn: u64, expected: f64| {
        let difference = drawn as f64 - expected;
        square += difference * difference / expected;
        count += 1;
    };
    for (drawn, expected) in cells {
        if *expected >= EXPECTED_MIN {
            add(*drawn, *expected);
        } else {
            rare_drawn += drawn;
            rare_expected += expected;
        }
    }
    if rare_expected > 0.0 {
        add(rare_drawn, rare_expected);
    }
    let freedom: u32 = count;
    let freedom = freedom.checked_sub(1).filter(|freedom| *freedom > 0)?;
    Some((square, freedom, upper_gamma(f64::from(freedom) / 2.0, square / 2.0)))
}

/// The regularised upper incomplete gamma function Q(a, x): a series below a + 1, a continued fraction above. Source:
/// NIST Digital Library of Mathematical Functions 8.11.4 and 8.9.2 (Lentz).
fn upper_gamma(a: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let scale = (a * x.ln() - x - ln_gamma(a)).exp();
    let found = if x < a + 1.0 { 1.0 - scale * series(a, x) } else { scale * fraction(a, x) };
    found.clamp(0.0, 1.0)
}

fn series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
    for _ in 0..1_000 {
        n += 1.0;
        term *= x / n;
        sum += term;
        if term < sum * 1e-15 {
            break;
        }
    }
    sum
}

fn fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut product = d;
    for step in 1..1_000 {
        let numerator = -f64::from(step) * (f64::from(step) - a);
        b += 2.0;
        let away = |value: f64| if value.abs() < TINY { TINY } else { value };
        d = 1.0 / away(numerator * d + b);
        c = away(b + numerator / c);
        let factor = d * c;
        product *= factor;
        if (factor - 1.0).abs() < 1e-15 {
            break;
        }
    }
    product
}

/// ln Γ(x) for x > 0: Stirling's series with seven terms after moving x beyond 10. DLMF 5.11.1.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 10.0 {
        shift += x.ln();
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let terms = [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1_260.0, -1.0 / 1_680.0, 1.0 / 1_188.0];
    let tail: f64 = terms.iter().rev().fold(0.0, |sum, term| sum * inverse + term);
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + tail / x - shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabulated_quantiles_have_their_probability() {
        for (square, freedom, probability) in [
            (3.841_458_820_694_124, 1, 0.05),
            (6.634_896_601_021_213, 1, 0.01),
            (7.814_727_903_251_179, 3, 0.05),
            (0.351_846_317_749_272, 3, 0.95),
            (18.307_038_053_275_146, 10, 0.05),
            (124.342_113_404_003_97, 100, 0.05),
        ] {
            let found = upper_gamma(f64::from(freedom) / 2.0, square / 2.0);
            assert!((found - probability).abs() < 1e-9, "{square} with {freedom}: {found}");
        }
    }

    #[test]
    fn what_is_as_expected_has_no_square_and_rare_cells_are_one() {
        let (square, freedom, probability) = test(&[(70, 70.0), (25, 25.0), (5, 5.0)]).unwrap();
        assert_eq!((square, freedom, probability), (0.0, 2, 1.0));
        let (_, freedom, _) = test(&[(70, 70.0), (26, 26.0), (1, 2.0), (3, 2.0)]).unwrap();
        assert_eq!(freedom, 2);
        assert_eq!(test(&[(70, 70.0)]), None);
        assert_eq!(test(&[]), None);
        let (_, _, unlikely) = test(&[(90, 50.0), (10, 50.0)]).unwrap();
        assert!(unlikely < 1e-10, "{unlikely}");
    }
}
