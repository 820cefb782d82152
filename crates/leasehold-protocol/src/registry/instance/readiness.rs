//! Whether an application is ready, and what it says of that.

use leasehold_core::event::Health;

use crate::registry::policy::Hysteresis;

/// What is so, and what it says. It says what it has seen often enough in a row.
#[derive(Debug, Default)]
pub(super) struct Readiness {
    /// How it is by itself.
    own: Health,
    /// What somebody else makes of it. It is ready if both are.
    made: Health,
    said: Health,
    /// How often in a row it saw what it does not say.
    others: u32,
}

/// What made an application ready, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// It comes and goes by itself.
    Itself,
    /// The plan.
    Another,
}

impl Readiness {
    /// What is so.
    pub(super) fn truth(&self) -> Health {
        match (self.own, self.made) {
            (Health::Ready, made) => made,
            (Health::NotReady, _) => Health::NotReady,
        }
    }

    /// How it is by itself.
    pub(super) fn own(&self) -> Health {
        self.own
    }

    /// What it says.
    pub(super) fn said(&self) -> Health {
        self.said
    }

    /// It is so from now on, for this reason. Whether that changes what is so.
    #[must_use]
    pub(super) fn turn(&mut self, by: By, health: Health) -> bool {
        let before = self.truth();
        match by {
            By::Itself => self.own = health,
            By::Another => self.made = health,
        }
        before != self.truth()
    }

    /// Whether another look could change anything. While none can, none is taken.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.truth() != self.said || self.others > 0
    }

    /// It looks. Whether it says something else from now on.
    #[must_use]
    pub(super) fn look(&mut self, hysteresis: Hysteresis) -> bool {
        if self.truth() == self.said {
            self.others = 0;
            return false;
        }
        self.others += 1;
        let needed = match self.said {
            Health::Ready => hysteresis.fall,
            Health::NotReady => hysteresis.rise,
        };
        let is_enough = self.others >= needed;
        if is_enough {
            (self.said, self.others) = (self.truth(), 0);
        }
        is_enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// What it says after each look, of what it sees: `r` is ready, `-` is not.
    fn says(hysteresis: Hysteresis, seen: &str) -> std::string::String {
        let mut readiness = Readiness::default();
        let looks: Vec<char> = seen.chars().collect();
        let say = |&look: &char| {
            let _ = readiness.turn(By::Itself, if look == 'r' { Health::Ready } else { Health::NotReady });
            let _ = readiness.look(hysteresis);
            if readiness.said() == Health::Ready { 'r' } else { '-' }
        };
        looks.iter().map(say).collect()
    }

    #[test]
    fn it_falls_after_so_many_bad_looks_in_a_row_and_rises_after_so_many_good_ones() {
        let haproxy = Hysteresis { fall: 3, rise: 2 };
        assert_eq!(says(haproxy, "r--r--r---rr"), "rrrrrrrrr--r");
        assert_eq!(says(haproxy, "---r-r-rrr--"), "rr------rrrr");
        assert_eq!(says(Hysteresis { fall: 1, rise: 1 }, "r-r--r"), "r-r--r");
    }

    #[test]
    fn it_looks_only_while_a_look_could_change_something() {
        let mut readiness = Readiness::default();
        assert!(!readiness.is_in_doubt());
        assert!(
            readiness.turn(By::Itself, Health::NotReady) && !readiness.turn(By::Itself, Health::NotReady)
        );
        assert!(readiness.is_in_doubt());
        assert!(!readiness.look(Hysteresis::default()));
        assert!(readiness.turn(By::Itself, Health::Ready));
        // A bad look is remembered until a good one clears it.
        assert!(readiness.is_in_doubt());
        assert!(!readiness.look(Hysteresis::default()));
        assert!(!readiness.is_in_doubt());
    }
    #[test]
    fn it_is_ready_if_nothing_keeps_it_from_that() {
        let mut readiness = Readiness::default();
        let turns = [
            (By::Another, Health::NotReady, true),
            (By::Itself, Health::NotReady, false),
            (By::Itself, Health::Ready, false),
            (By::Itself, Health::NotReady, false),
            (By::Another, Health::Ready, false),
            (By::Itself, Health::Ready, true),
        ];
        assert!(turns.into_iter().all(|(by, health, changes)| readiness.turn(by, health) == changes));
        assert_eq!(readiness.truth(), Health::Ready);
    }
}
