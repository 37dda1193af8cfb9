fn main() {
    let built = cmake::Config::new("adder").build();
    println!("cargo:rustc-link-search=native={}/lib", built.display());
    println!("cargo:rustc-link-lib=static=adder");
    println!("cargo:rerun-if-changed=adder");
}
