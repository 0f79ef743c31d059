//! Values that one thread makes by the thousand and another one only looks at. They go back to be freed where they were made:
//! freed elsewhere, each of them makes both threads wait for the same heap.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

/// Where lent values come back to.
type Returned<T> = Arc<Mutex<Vec<Vec<T>>>>;

/// One who lends values.
#[derive(Debug)]
pub struct Lender<T> {
    returned: Returned<T>,
}

/// Values that were lent. Whoever drops them gives them back.
#[derive(Debug)]
pub struct Lent<T> {
    values: Vec<T>,
    returned: Returned<T>,
}

impl<T> Default for Lender<T> {
    fn default() -> Self {
        Self {
            returned: Arc::default(),
        }
    }
}

impl<T> Lender<T> {
    /// Room for values; frees those that came back meanwhile.
    pub fn room(&self) -> Vec<T> {
        let mut returned = self.returned.lock().unwrap_or_else(PoisonError::into_inner);
        let all = std::mem::take(&mut *returned);
        drop(returned);
        let mut room = all.into_iter().next_back().unwrap_or_default();
        room.clear();
        room
    }

    /// Lends values.
    pub fn lend(&self, values: Vec<T>) -> Lent<T> {
        Lent {
            values,
            returned: Arc::clone(&self.returned),
        }
    }
}

impl<T> Lent<T> {
    /// Keeps the values.
    pub fn keep(mut self) -> Vec<T> {
        std::mem::take(&mut self.values)
    }
}

impl<T> Deref for Lent<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values
    }
}

impl<T> Drop for Lent<T> {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.values);
        if values.capacity() > 0 {
            let returned = self.returned.lock();
            returned
                .unwrap_or_else(PoisonError::into_inner)
                .push(values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_comes_back_and_what_is_kept_does_not() {
        let lender = Lender::default();
        let value = Arc::new(());
        let lent = lender.lend(vec![Arc::clone(&value); 3]);
        assert_eq!(lent.len(), 3);
        drop(lent);
        assert_eq!(Arc::strong_count(&value), 4, "they came back");
        let room = lender.room();
        assert!(room.is_empty() && room.capacity() >= 3);
        assert_eq!(Arc::strong_count(&value), 1, "freed by the lender");
        let kept = lender.lend(vec![Arc::clone(&value)]).keep();
        assert_eq!((kept.len(), lender.room().capacity()), (1, 0));
    }
}
