//! What each release may say and few do, so that a million releases cost what is said of them.

/// One value for each place. Takes no room while all have the usual one.
#[derive(Debug)]
pub struct Column<T> {
    usual: T,
    values: Vec<T>,
}

impl<T: Copy + PartialEq> Column<T> {
    pub fn of(usual: T) -> Self {
        let values = Vec::new();
        Self { usual, values }
    }

    pub fn get(&self, place: u32) -> T {
        self.values.get(place as usize).copied().unwrap_or(self.usual)
    }

    /// `count` is the number of all places.
    pub fn set(&mut self, place: u32, value: T, count: usize) {
        if self.values.is_empty() {
            if value == self.usual {
                return;
            }
            self.values = vec![self.usual; count];
        }
        self.values[place as usize] = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_takes_no_room_and_is_given_all_the_same() {
        let mut column = Column::of(7);
        column.set(3, 7, 5);
        assert!(column.values.is_empty());
        assert_eq!(column.get(3), 7);
        column.set(2, 1, 5);
        let all: Vec<i32> = (0..5).map(|place| column.get(place)).collect();
        assert_eq!(all, [7, 7, 1, 7, 7]);
        column.set(2, 7, 5);
        assert_eq!(column.get(2), 7);
    }
}
