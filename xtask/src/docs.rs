//! `cargo xtask docs`: the documentation holds together.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::workspace;

/// Checks the links between the pages, then builds rustdoc without a warning.
///
/// # Errors
/// A link that leads nowhere, a page that cannot be read, a warning.
pub(crate) fn run() -> Result<()> {
    let root = workspace::root();
    let mut links = 0;
    let mut dead = Vec::new();
    let pages = workspace::files(&root, "md")?;
    for page in &pages {
        let text = fs::read_to_string(page).with_context(|| format!("reading {}", page.display()))?;
        let folder = page.parent().unwrap_or(&root);
        for (line, target) in local_links(&text) {
            links += 1;
            if !folder.join(target).exists() {
                dead.push(format!(
                    "{}:{line}: `{target}` is not there",
                    page.strip_prefix(&root).unwrap_or(page).display()
                ));
            }
        }
    }
    for link in &dead {
        eprintln!("{link}");
    }
    if !dead.is_empty() {
        bail!("{} of {links} links in the documentation lead nowhere", dead.len());
    }
    println!("docs: {} pages, {links} links between them, all lead somewhere", pages.len());
    workspace::run(workspace::cargo().env("RUSTDOCFLAGS", "-D warnings").args([
        "doc",
        "--workspace",
        "--no-deps",
        "--locked",
    ]))
}

/// Line and path of each link to a file, in Markdown's `[text](path#anchor)`, outside code blocks.
fn local_links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    let mut in_code = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let Some(target) = line[at + 2..].split([')', ' ']).next() else { continue };
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty()
                && !path.contains("://")
                && !path.starts_with("mailto:")
                && !Path::new(path).is_absolute()
            {
                links.push((number + 1, path));
            }
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::local_links;

    #[test]
    fn only_links_to_files_are_followed() {
        let text = "See [the API](docs/api.md#errors), [here](#here) and [there](https://example.org/a).\n\
                    ```\n[not](a/link)\n```\n![picture](docs/a.png \"title\") [b](b.md)\n";
        assert_eq!(local_links(text), [(1, "docs/api.md"), (5, "docs/a.png"), (5, "b.md")]);
    }
}
