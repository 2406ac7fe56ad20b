//! Generates the Rust code of every contract, without protoc.

use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let mut files = Vec::new();
    collect(&root.join("senani"), &mut files)?;
    files.sort();

    let mut compiler = protox::Compiler::new([&root])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(&files)?;

    // The encoded set keeps `google.api.http`, which the decoded types drop: reflection and the gateway read it.
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptor.bin"), compiler.encode_file_descriptor_set())?;

    let mut set = compiler.file_descriptor_set();
    set.file.retain(|file| file.package() != "google.api");
    // prost turns comments into doc comments, in which rustdoc would read `[…]` and `<…>` as markup.
    tonic_prost_build::configure()
        .bytes(".")
        // Sorted maps: the same message always has the same bytes, which fingerprints of requests rely on.
        .btree_map(".")
        .enum_attribute(".", "#[allow(clippy::all, missing_docs)]")
        .message_attribute(".", "#[allow(clippy::all, missing_docs)]")
        .compile_fds(set)?;

    // tonic-prost-build 0.14 does not say what it read (grpc-rust #2415).
    println!("cargo:rerun-if-changed={}", root.display());
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
