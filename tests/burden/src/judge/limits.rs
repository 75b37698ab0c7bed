//! Limits of what chance allows: one-sided, 95%.

/// The normal deviate that 5% lie above.
const Z: f64 = 1.644_854;

/// Student's deviate that 5% lie above, for 1 to 30 degrees of freedom (any printed table of t, one-sided 0.05).
const T: [f64; 30] = [
    6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771, 1.761, 1.753, 1.746,
    1.740, 1.734, 1.729, 1.725, 1.721, 1.717, 1.714, 1.711, 1.708, 1.706, 1.703, 1.701, 1.699, 1.697,
];

/// A count as a number. Exact to 2³²; more is not counted here.
#[must_use]
pub fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// So many of so many, for each hundred; nought of nought.
#[must_use]
pub fn per_hundred(count: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { 100.0 * number(count) / number(of) }
}

/// The upper limit of the mean over seeds. With one seed there is none: infinite.
///
/// ```
/// use burden::judge::limits::upper_over_seeds;
/// assert!((upper_over_seeds(&[1.0, 2.0, 3.0]) - (2.0 + 2.920 * (1.0_f64 / 3.0).sqrt())).abs() < 1e-9);
/// assert!(upper_over_seeds(&[1.0]).is_infinite());
/// ```
#[must_use]
pub fn upper_over_seeds(values: &[f64]) -> f64 {
    let n = number(u64::try_from(values.len()).unwrap_or(u64::MAX));
    if values.len() < 2 {
        return f64::INFINITY;
    }
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0);
    let t = T.get(values.len() - 2).copied().unwrap_or(Z);
    mean + t * (variance / n).sqrt()
}

/// The lower limit of the difference of two shares of the same `n` episodes, in points.
///
/// `only_ours` were found by us alone, `only_theirs` by them alone. Where nobody found anything alone, the limit is that of
/// nought of `n`.
///
/// ```
/// use burden::judge::limits::lower_of_difference;
/// assert!((lower_of_difference(0, 0, 800) + 0.3738).abs() < 1e-3);
/// assert!((lower_of_difference(20, 10, 1000) - 0.1006).abs() < 1e-3);
/// ```
#[must_use]
pub fn lower_of_difference(only_ours: u64, only_theirs: u64, n: u64) -> f64 {
    if n == 0 {
        return -100.0;
    }
    let (b, c, n) = (number(only_ours), number(only_theirs), number(n));
    if only_ours + only_theirs == 0 {
        return -100.0 * (1.0 - 0.05_f64.powf(1.0 / n));
    }
    let difference = (b - c) / n;
    let variance = ((b + c) / n - difference * difference) / n;
    100.0 * (difference - Z * variance.max(0.0).sqrt())
}

/// The upper limit of a share in per cent (Wilson's score); 0 where there is nothing to have a share in.
///
/// ```
/// use burden::judge::limits::upper_of_share;
/// assert!((upper_of_share(0, 1000) - 0.2698).abs() < 1e-3);
/// assert!((upper_of_share(5, 100) - 9.916).abs() < 1e-2);
/// ```
#[must_use]
pub fn upper_of_share(count: u64, of: u64) -> f64 {
    if of == 0 {
        return 0.0;
    }
    let (n, share) = (number(of), number(count) / number(of));
    let z2 = Z * Z;
    let spread = Z * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    100.0 * (share + z2 / (2.0 * n) + spread) / (1.0 + z2 / n)
}

/// The value that this share of sorted values is at or below: the nearest rank.
#[must_use]
pub fn quantile(sorted: &[i64], hundredths: usize) -> Option<i64> {
    let rank = (sorted.len() * hundredths).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}
