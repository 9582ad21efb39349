//! Numbers of things, as people say them.

use std::fmt::Display;

/// `1 file`, `2 files`, `0 patches`.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, what: &str) -> String {
    if count == N::from(1) {
        return format!("1 {what}");
    }
    let ending = if what.ends_with("ch") || what.ends_with('s') {
        "es"
    } else {
        "s"
    };
    format!("{count} {what}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one() {
        assert_eq!(counted(0_usize, "file"), "0 files");
        assert_eq!(counted(1_u64, "patch"), "1 patch");
        assert_eq!(counted(2_u32, "patch"), "2 patches");
    }
}
