//! The search against one that asks every place of every other, on random ground.

use proptest::prelude::*;

use super::*;

/// (low, high) of the entrance, window of protocols, day, schema level and the least it asks for, channel.
type Spot = ((u32, u32), (u32, u32), i64, (u32, u32), u8);

#[derive(Debug, Clone)]
struct Ground {
    spots: Vec<Spot>,
    /// Moves that are forbidden for no reason that can be told beforehand.
    holes: Vec<(u32, u32)>,
}

impl Ground {
    fn spot(&self, place: u32) -> &Spot {
        &self.spots[place as usize]
    }

    /// Rule by rule, without what the search goes by.
    fn lets_through(&self, from: u32, to: u32) -> bool {
        let (_, (old_least, old), old_day, (old_schema, _), _) = self.spot(from);
        let (_, (new_least, new), new_day, (_, least_schema), _) = self.spot(to);
        let entered = self.entrances(to).iter().any(|stretch| stretch.contains(&from));
        let understood = old >= new_least && new >= old_least;
        let open = !self.holes.contains(&(from, to));
        entered && understood && open && old_day <= new_day && old_schema >= least_schema
    }

    fn rank(&self, chain: &[u32]) -> (usize, Vec<Reverse<Channel>>, Vec<u32>) {
        let between = &chain[1..chain.len() - 1];
        let channels = between.iter().map(|place| Reverse(self.channel(*place))).collect();
        (
            chain.len(),
            channels,
            between.iter().map(|place| self.age(*place)).collect(),
        )
    }

    /// For each place the best of all chains that lead there.
    fn by_every_pair(&self) -> Vec<Option<Vec<u32>>> {
        let mut best: Vec<Option<Vec<u32>>> = vec![Some(vec![0])];
        for to in 1..self.len() {
            let before = (0..to).filter(|from| self.lets_through(*from, to));
            let chains = before.filter_map(|from| {
                let mut chain = best[from as usize].clone()?;
                chain.push(to);
                Some(chain)
            });
            let found = chains.min_by_key(|chain| self.rank(chain));
            best.push(found);
        }
        best
    }
}

impl Terrain for Ground {
    fn len(&self) -> u32 {
        self.spots.len() as u32
    }

    fn entrances(&self, to: u32) -> Vec<Range<u32>> {
        let (low, high) = self.spot(to).0;
        let whole = low.min(high).min(to)..low.max(high).min(to);
        // One in two or more pieces that overlap, as ranges of a release may.
        let middle = whole.start.midpoint(whole.end);
        vec![
            whole.start..middle,
            middle.saturating_sub(1).max(whole.start)..whole.end,
        ]
    }

    fn offer(&self, place: u32) -> Offer {
        let (_, (least, speaks), released, (schema, _), _) = *self.spot(place);
        Offer {
            released,
            protocol: speaks,
            min_protocol: least,
            schema,
        }
    }

    fn demand(&self, to: u32) -> Demand {
        let (_, (least, speaks), released, (_, schema), _) = *self.spot(to);
        Demand {
            released_by: released,
            least_protocol: least,
            most_min_protocol: speaks,
            least_schema: schema,
        }
    }

    fn permits(&self, from: u32, to: u32) -> bool {
        self.lets_through(from, to)
    }

    fn channel(&self, place: u32) -> Channel {
        [Channel::Alpha, Channel::Beta, Channel::Release][usize::from(self.spot(place).4)]
    }

    fn age(&self, place: u32) -> u32 {
        self.len() - place
    }
}

fn spot(count: u32) -> impl Strategy<Value = Spot> {
    let window = (0..12_u32, 0..4_u32).prop_map(|(least, wide)| (least, least + wide));
    let day = prop_oneof![3 => Just(0), 1 => 0..4_i64];
    let schema = prop_oneof![3 => Just((3, 0)), 1 => (0..4_u32, 0..3_u32)];
    let entrance = prop_oneof![2 => Just((0, count)), 1 => (0..=count, 0..=count)];
    (entrance, window, day, schema, 0..3_u8)
}

fn ground() -> impl Strategy<Value = Ground> {
    // Up to several blocks, so that both near and far places are looked for.
    prop_oneof![2 => 2..90_u32, 1 => 90..400_u32].prop_flat_map(|count| {
        let spots = prop::collection::vec(spot(count), count as usize);
        let holes = prop::collection::vec((0..count, 0..count), 0..60);
        (spots, holes).prop_map(|(spots, holes)| Ground { spots, holes })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn it_finds_what_asking_every_pair_finds(ground in ground()) {
        let expected = ground.by_every_pair();
        let found = best_chain(&ground);
        prop_assert_eq!(&found, expected.last().unwrap());
        if found.is_none() {
            let reached: Vec<bool> = expected.iter().map(Option::is_some).collect();
            prop_assert_eq!(reachable(&ground), reached);
        }
    }
}

/// Counts what is asked; all windows lie at random, so that nothing can be said of neighbours at once.
#[test]
fn windows_at_random_are_not_asked_one_by_one() {
    struct Counted(Ground, std::cell::Cell<u64>);
    impl Terrain for Counted {
        fn len(&self) -> u32 {
            self.0.len()
        }
        fn entrances(&self, to: u32) -> Vec<Range<u32>> {
            self.0.entrances(to)
        }
        fn offer(&self, place: u32) -> Offer {
            self.0.offer(place)
        }
        fn demand(&self, to: u32) -> Demand {
            self.1.set(self.1.get() + 1);
            self.0.demand(to)
        }
        fn permits(&self, from: u32, to: u32) -> bool {
            self.1.set(self.1.get() + 1);
            self.0.permits(from, to)
        }
        fn channel(&self, place: u32) -> Channel {
            self.0.channel(place)
        }
        fn age(&self, place: u32) -> u32 {
            self.0.age(place)
        }
    }
    let asked = |count: u32| {
        let mut random: u64 = 42;
        let mut draw = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % 40) as u32
        };
        let mut spots: Vec<Spot> = (0..count)
            .map(|_| {
                let least = draw();
                ((0, count), (least, least + 1), 0, (0, 0), 0)
            })
            .collect();
        spots[0].1 = (0, 1);
        spots[count as usize - 1].1 = (39, 40);
        let holes = Vec::new();
        let ground = Counted(Ground { spots, holes }, std::cell::Cell::default());
        assert!(best_chain(&ground).is_some_and(|chain| chain.len() > 30));
        ground.1.get() as f64
    };
    let (few, many) = (4_000_u32, 64_000_u32);
    let n_log_n = |count: u32| f64::from(count) * f64::from(count).log2();
    let growth = asked(many) / asked(few);
    let allowed = 2.0 * n_log_n(many) / n_log_n(few);
    println!("{growth} where n log n grows by {}", allowed / 2.0);
    assert!(growth < allowed, "{growth} where n log n grows by {}", allowed / 2.0);
}
