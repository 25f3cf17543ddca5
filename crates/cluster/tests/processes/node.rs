//! Node as the judge: unmodified Node workers under our primary, our workers under a Node primary.
pub fn tests() -> Vec<crate::harness::Test> {
    vec![]
}
