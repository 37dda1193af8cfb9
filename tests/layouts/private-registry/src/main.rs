extern "C" {
    fn adder_add(one: u32, other: u32) -> u32;
}

fn add(one: u32, other: u32) -> u32 {
    // It only adds.
    unsafe { adder_add(one, other) }
}

fn main() {
    let sum = std::env::args().skip(1).fold(0, |sum, each| add(sum, own_digest::digest(&each)));
    println!("{sum}");
}

#[test]
fn adds_by_the_library_in_c() {
    assert_eq!(add(1, own_digest::digest("a")), 98);
}
