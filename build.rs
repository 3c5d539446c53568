//! A new migration must be compiled in: `migrate!` alone doesn't notice one.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
