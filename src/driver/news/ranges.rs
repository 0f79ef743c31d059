//! Numbers of articles as `.newsrc` has them: `1-1402,1404,1410-1425`.

use std::fmt;

/// A set of numbers, kept as ascending ranges that neither touch nor overlap.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Reads what stands behind a group's name. What cannot be read is left out; whether there was such a thing comes too.
    pub fn parse(text: &[u8]) -> (Self, bool) {
        let mut ranges = Vec::new();
        let mut odd = false;
        for word in text.split(|&byte| byte == b',') {
            match parse_range(word.trim_ascii()) {
                Word::Range(low, high) => ranges.push((low, high)),
                Word::Nothing => {}
                Word::Odd => odd = true,
            }
        }
        (Self::of(ranges), odd)
    }

    /// The numbers in ranges of whatever order.
    fn of(mut all: Vec<(u64, u64)>) -> Self {
        all.sort_unstable();
        let mut ranges: Vec<(u64, u64)> = Vec::with_capacity(all.len());
        for (low, high) in all {
            match ranges.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => ranges.push((low, high)),
            }
        }
        Self(ranges)
    }

    /// Whether no number is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `number` is in it.
    pub fn contains(&self, number: u64) -> bool {
        let place = self.0.partition_point(|range| range.1 < number);
        self.0.get(place).is_some_and(|range| range.0 <= number)
    }

    /// The highest number.
    pub fn last(&self) -> Option<u64> {
        self.0.last().map(|range| range.1)
    }

    /// Adds the numbers from `low` to `high`. Cheapest in ascending order.
    pub fn insert(&mut self, low: u64, high: u64) {
        if low > high {
            return;
        }
        let start = self
            .0
            .partition_point(|range| range.1.saturating_add(1) < low);
        let end = self
            .0
            .partition_point(|range| range.0 <= high.saturating_add(1));
        let touched = self.0.get(start..end).unwrap_or_default();
        let low = touched.first().map_or(low, |range| range.0.min(low));
        let high = touched.last().map_or(high, |range| range.1.max(high));
        self.0.splice(start..end.max(start), [(low, high)]);
    }

    /// Adds numbers of whatever order.
    pub fn add(&mut self, numbers: &[u32]) {
        let new = numbers.iter().map(|&number| (number.into(), number.into()));
        *self = Self::of(self.0.iter().copied().chain(new).collect());
    }

    /// Takes numbers out, of whatever order.
    pub fn remove(&mut self, numbers: &[u32]) {
        let mut numbers = numbers.to_vec();
        numbers.sort_unstable();
        let mut numbers = numbers.into_iter().map(u64::from).peekable();
        let mut left = Vec::with_capacity(self.0.len());
        for &(mut low, high) in &self.0 {
            while let Some(number) = numbers.next_if(|&number| number <= high) {
                if number > low {
                    left.push((low, number - 1));
                }
                low = low.max(number + 1);
            }
            if low <= high {
                left.push((low, high));
            }
        }
        self.0 = left;
    }

    /// The ranges above `floor`, up to `limit`.
    pub fn between(&self, floor: u64, limit: u64) -> impl Iterator<Item = (u64, u64)> + '_ {
        let place = self.0.partition_point(|range| range.1 <= floor);
        let above = self.0.get(place..).unwrap_or_default().iter();
        let clipped =
            move |range: &(u64, u64)| (range.0.max(floor.saturating_add(1)), range.1.min(limit));
        above.map(clipped).filter(|range| range.0 <= range.1)
    }

    /// What is written for these articles, ascending, of which those that `is_read` says were read: by c-client's rule a
    /// range goes on across gaps in the numbers up to the next article that was not read, and everything in front of the
    /// first article was read.
    pub fn of_articles(articles: &[u32], is_read: impl Fn(usize) -> bool) -> Self {
        let mut ranges = Self::default();
        let first = articles.first().map_or(1, |&first| u64::from(first));
        ranges.insert(1, first.saturating_sub(1));
        let mut begin = None;
        for (place, &article) in articles.iter().enumerate() {
            match (begin, is_read(place)) {
                (None, true) => begin = Some(u64::from(article)),
                (Some(low), false) => {
                    ranges.insert(low, u64::from(article).saturating_sub(1));
                    begin = None;
                }
                _ => {}
            }
        }
        if let (Some(low), Some(&last)) = (begin, articles.last()) {
            ranges.insert(low, u64::from(last));
        }
        ranges
    }
}

enum Word {
    Range(u64, u64),
    /// `0`, `1-0` and the like, which some programs write for none.
    Nothing,
    Odd,
}

fn parse_range(word: &[u8]) -> Word {
    if word.is_empty() {
        return Word::Nothing;
    }
    let middle = word.iter().position(|&byte| byte == b'-');
    let (low, high) = match middle {
        Some(middle) => {
            let (low, high) = word.split_at(middle);
            (number(low), number(high.get(1..).unwrap_or_default()))
        }
        None => (number(word), number(word)),
    };
    match low.zip(high) {
        Some((low, high)) if low.max(1) <= high => Word::Range(low.max(1), high),
        Some(_) => Word::Nothing,
        None => Word::Odd,
    }
}

/// A number of digits alone; one that is too large for 64 bits is the largest.
pub fn number(digits: &[u8]) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let add = |sum: u64, digit: &u8| {
        sum.saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    };
    is_number.then(|| digits.iter().fold(0, add))
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (low, high)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            match low == high {
                true => write!(f, "{comma}{low}")?,
                false => write!(f, "{comma}{low}-{high}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_write_is_read_and_what_nobody_can_read_is_left_out() {
        for (text, read, is_odd) in [
            ("1-101,105", "1-101,105", false),
            (" 5, 3 ,1-2,4", "1-5", false),
            ("0", "", false),
            ("1-0", "", false),
            ("0-3", "1-3", false),
            ("9-5", "", false),
            ("", "", false),
            (",,", "", false),
            ("6,7x,8", "6,8", true),
            ("1--3,-4,5-", "", true),
            (
                "18446744073709551614-99999999999999999999999",
                "18446744073709551614-18446744073709551615",
                false,
            ),
            ("3,1-9,5", "1-9", false),
        ] {
            let (ranges, odd) = Ranges::parse(text.as_bytes());
            assert_eq!((ranges.to_string().as_str(), odd), (read, is_odd), "{text}");
        }
    }

    /// A damaged or hostile line must not stop the program.
    #[test]
    fn many_ranges_in_the_worst_order_are_read_at_once() {
        let begin = std::time::Instant::now();
        let all = (1..=300_000u64)
            .rev()
            .map(|number| (3 * number).to_string());
        let text = all.collect::<Vec<_>>().join(",");
        let (ranges, odd) = Ranges::parse(text.as_bytes());
        assert!(ranges.0.len() == 300_000 && !odd);
        assert!(begin.elapsed() < std::time::Duration::from_secs(5));
    }

    #[test]
    fn a_number_leaves_its_range() {
        for (number, left) in [
            (1, "2-5,9"),
            (3, "1-2,4-5,9"),
            (5, "1-4,9"),
            (9, "1-5"),
            (7, "1-5,9"),
        ] {
            let (mut ranges, _) = Ranges::parse(b"1-5,9");
            ranges.remove(&[number]);
            assert_eq!(ranges.to_string(), left);
        }
        let (ranges, _) = Ranges::parse(b"1-5,9,12-20");
        let above: Vec<_> = ranges.between(3, 13).collect();
        assert_eq!(above, [(4, 5), (9, 9), (12, 13)]);
    }

    /// As the library wrote it.
    #[test]
    fn ranges_join_across_gaps_up_to_the_next_article_that_was_not_read() {
        let articles = [5, 6, 8, 12];
        for (read, written) in [
            (&[5][..], "1-5"),
            (&[6], "1-4,6-7"),
            (&[8], "1-4,8-11"),
            (&[12], "1-4,12"),
            (&[5, 8], "1-5,8-11"),
            (&[5, 6, 8, 12], "1-12"),
            (&[], "1-4"),
        ] {
            let is_read = |place: usize| read.contains(&articles[place]);
            let ranges = Ranges::of_articles(&articles, is_read);
            assert_eq!(ranges.to_string(), written, "{read:?}");
        }
        let from_one = Ranges::of_articles(&[1, 2, 8], |place| place == 1);
        assert_eq!(from_one.to_string(), "2-7");
        assert!(Ranges::of_articles(&[1, 2], |_| false).is_empty());
        assert!(Ranges::of_articles(&[], |_| true).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn ranges_are_a_set(numbers in proptest::collection::vec((0u32..40, 0u8..3), 0..60)) {
            let mut ranges = Ranges::default();
            let mut set = std::collections::BTreeSet::new();
            for (number, deed) in numbers {
                let several = [number + 2, number, number + 5, number];
                match deed {
                    0 => {
                        ranges.insert(number.into(), u64::from(number + number % 3));
                        set.extend(number..=number + number % 3);
                    }
                    1 => {
                        ranges.add(&several);
                        set.extend(several);
                    }
                    _ => {
                        ranges.remove(&several);
                        set.retain(|it| !several.contains(it));
                    }
                }
            }
            for number in 0..60 {
                proptest::prop_assert_eq!(ranges.contains(number.into()), set.contains(&number));
            }
            let zero = set.contains(&0);
            let (again, odd) = Ranges::parse(ranges.to_string().as_bytes());
            proptest::prop_assert!(!odd && (zero || again == ranges));
        }

        #[test]
        fn any_bytes_are_read(text in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let (ranges, _) = Ranges::parse(&text);
            let (again, _) = Ranges::parse(ranges.to_string().as_bytes());
            proptest::prop_assert_eq!(ranges, again);
        }
    }
}
