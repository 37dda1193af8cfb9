/// Inverts a colour.
pub fn inverted(color: u32) -> u32 {
    0xff_ffff - color
}

#[test]
fn white_becomes_black() {
    assert_eq!(inverted(0xff_ffff), 0);
}
