//! Numbers that follow from a seed, the same on every machine: whole numbers only, no floating point.

/// One of `SplitMix64`'s streams.
#[derive(Debug, Clone)]
pub struct Rng(u64);

/// The standard deviation of the sum of twelve numbers of 16 bits: each has a variance of 65,536² / 12.
const SIGMA: i64 = 65_536;

/// Twelve times the mean of a number of 16 bits, 32,767.5.
const TWELVE_MEANS: i64 = 393_210;

impl Rng {
    /// The stream of a seed for one use of it, such as one person.
    ///
    /// ```
    /// use burden::rng::Rng;
    /// assert_eq!(Rng::of(7, &[1, 2]).next(), Rng::of(7, &[1, 2]).next());
    /// assert_ne!(Rng::of(7, &[1, 2]).next(), Rng::of(7, &[2, 1]).next());
    /// ```
    #[must_use]
    pub fn of(seed: u64, uses: &[u64]) -> Self {
        let mut stream = Self(seed ^ 0x6275_7264_656e_0001);
        for used in uses {
            stream = Self(stream.next() ^ used.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        stream
    }

    /// The next number.
    #[expect(clippy::should_implement_trait, reason = "it has no end, so it is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below the limit; 0 where the limit is below 1.
    pub fn below(&mut self, limit: i64) -> i64 {
        let limit = u64::try_from(limit).unwrap_or(0).max(1);
        i64::try_from(self.next() % limit).unwrap_or(0)
    }

    /// Whether something happens that has this many chances in 100,000: thousandths of a per cent.
    pub fn chance(&mut self, thousandths_of_a_per_cent: i64) -> bool {
        self.below(100_000) < thousandths_of_a_per_cent
    }

    /// A deviation with this standard deviation, normal to within the sum of twelve (none beyond six).
    pub fn normal(&mut self, sd: i64) -> i64 {
        let mut sum = 0;
        for _ in 0..3 {
            let [a, b, c, d, e, f, g, h] = self.next().to_le_bytes();
            for pair in [[a, b], [c, d], [e, f], [g, h]] {
                sum += i64::from(u16::from_le_bytes(pair));
            }
        }
        (sum - TWELVE_MEANS) * sd / SIGMA
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Proves the shape by its moments: mean 0, the deviation asked for, a third of a per cent beyond three.
    #[test]
    fn deviations_are_normal_enough() {
        let mut rng = Rng::of(1, &[]);
        let drawn: Vec<i64> = (0..100_000).map(|_| rng.normal(10_000)).collect();
        let mean = drawn.iter().sum::<i64>() / 100_000;
        let variance = drawn.iter().map(|one| one * one).sum::<i64>() / 100_000;
        assert!(mean.abs() < 120, "{mean}");
        assert!((9_900..10_100).contains(&variance.isqrt()), "{variance}");
        let far = drawn.iter().filter(|one| one.abs() > 30_000).count();
        assert!((120..320).contains(&far), "{far}");
    }

    #[test]
    fn chances_are_kept() {
        let mut rng = Rng::of(2, &[]);
        let hits = (0..100_000).filter(|_| rng.chance(2_900)).count();
        assert!((2_700..3_100).contains(&hits), "{hits}");
        assert!(!rng.chance(0) && rng.chance(100_000));
    }
}
