/// Adds two numbers.
pub fn sum(one: u32, other: u32) -> u32 {
    one + other
}

#[test]
fn sums() {
    assert_eq!(sum(1, 2), 3);
}
