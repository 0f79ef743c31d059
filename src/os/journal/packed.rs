//! A plan in few bytes, as the header of a journal holds it.
//!
//! The state that a first opening writes into each of a million headers is nearly the same text each time. So new bytes are
//! told by what they share with the new bytes before them:
//! ```text
//! number of pieces, then for each one
//!   2 * GAP        LENGTH                    old bytes, GAP behind the last ones that were kept
//!   2 * PREFIX + 1 SUFFIX MIDDLE bytes       new bytes: so many as the last new ones begin with, MIDDLE of their own, so
//!                                            many as the last ones end in
//! ```

use crate::os::journal::bytes::{Reader, put_short, put_u64, shared};
use crate::os::journal::plan::{Piece, Plan};

/// Bytes of memory that a plan may come to. One of ours is never near it.
const LARGEST: usize = 512 << 20;

/// Appends a plan.
pub(crate) fn put_plan(block: &mut Vec<u8>, plan: &Plan) {
    put_u64(block, &[plan.pieces().len() as u64]);
    let mut kept_to = 0;
    let mut last: &[u8] = b"";
    for piece in plan.pieces() {
        match *piece {
            Piece::Keep { from, length } => {
                put_short(block, 2 * (from - kept_to));
                put_short(block, length);
                kept_to = from + length;
            }
            Piece::Put { at, length } => {
                let bytes = plan.fresh().get(at..at + length).unwrap_or_default();
                let (prefix, suffix) = shared(last, bytes);
                let middle = bytes.get(prefix..length - suffix).unwrap_or_default();
                put_short(block, 2 * prefix as u64 + 1);
                put_short(block, suffix as u64);
                put_short(block, middle.len() as u64);
                block.extend_from_slice(middle);
                last = bytes;
            }
        }
    }
}

/// Takes a plan off a body.
pub(crate) fn take_plan(body: &mut Reader<'_>, old_length: u64) -> Option<Plan> {
    let mut plan = Plan::new(old_length);
    let mut kept_to: u64 = 0;
    let mut last = Vec::new();
    for _ in 0..body.count(2)? {
        let first = body.short()?;
        if first % 2 == 0 {
            let length = body.short()?;
            let from = kept_to.checked_add(first / 2)?;
            kept_to = from.checked_add(length)?;
            plan.keep(from, length);
            continue;
        }
        let prefix = usize::try_from(first / 2).ok()?;
        let suffix = usize::try_from(body.short()?).ok()?;
        let middle = body
            .short()
            .and_then(|length| usize::try_from(length).ok())?;
        let middle = body.take(middle)?;
        let begin = last.get(..prefix)?;
        let end = last.get(last.len().checked_sub(suffix)?..)?;
        let bytes = [begin, middle, end].concat();
        if plan.fresh().len() + bytes.len() > LARGEST {
            return None;
        }
        plan.put(&bytes);
        last = bytes;
    }
    plan.fault().is_none().then_some(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(plan: &Plan) -> Vec<u8> {
        let mut block = Vec::new();
        put_plan(&mut block, plan);
        block
    }

    #[test]
    fn a_plan_comes_back_and_half_of_one_does_not() {
        let mut plan = Plan::new(1000);
        plan.keep(10, 20);
        plan.put(b"X-UID: 9\n\n");
        plan.keep(40, 1);
        plan.put(b"X-UID: 10\n\n");
        plan.keep(41, 900);
        plan.put(b"");
        plan.put(b"end");
        let block = packed(&plan);
        assert_eq!(take_plan(&mut Reader::new(&block), 1000), Some(plan));
        assert_eq!(take_plan(&mut Reader::new(&block), 900), None);
        for end in 0..block.len() {
            assert_eq!(
                take_plan(&mut Reader::new(&block[..end]), 1000),
                None,
                "{end}"
            );
        }
    }

    #[test]
    fn state_that_is_nearly_the_same_takes_few_bytes() {
        let mut plan = Plan::new(u64::MAX / 2);
        for uid in 1..=10_000_u64 {
            plan.keep(3000 * uid, 2900);
            let pad = " ".repeat(20);
            plan.put(
                format!("Status: O\nX-Status: \nX-Keywords:{pad}\nX-UID: {uid}\n\n").as_bytes(),
            );
        }
        let block = packed(&plan);
        assert!(block.len() < 120_000, "{}", block.len());
        assert!(
            plan.cost().abs_diff(block.len()) < 40_000,
            "{}",
            plan.cost()
        );
        assert_eq!(
            take_plan(&mut Reader::new(&block), u64::MAX / 2),
            Some(plan)
        );
    }
}
