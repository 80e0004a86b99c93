//! `check` tells every mistake in one run, each with its place, its key, what was expected and the nearest valid word.

use std::fs;

use serde_json::Value;

use super::{folder, run, text};

#[test]
fn ten_mistakes_are_told_in_one_run() {
    let told = run("uphold-collector check ten-mistakes.yaml");
    let expected = fs::read_to_string(folder().join("ten-mistakes.txt")).unwrap();
    assert_eq!(text(&told.stdout), expected);
    assert_eq!((told.status.code(), text(&told.stderr)), (Some(1), String::new()));
    let lines: Vec<&str> = expected.lines().collect();
    assert_eq!(lines.len(), 11, "ten and their count");
    for line in &lines[..10] {
        let place: Vec<&str> = line.split(": ").next().unwrap().split(':').collect();
        assert!(place.len() == 3 && place[1..].iter().all(|number| number.parse::<u32>().is_ok()), "{line}");
        assert!(line.ends_with("\"?)") && line.contains("did you mean \""), "{line}");
    }
}

#[test]
fn the_same_is_told_to_programs() {
    let told = run("uphold-collector check ten-mistakes.yaml --format json");
    assert_eq!(told.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!((&found["sound"], &found["count"]), (&Value::Bool(false), &Value::from(10)));
    let lines = found["problems"].as_array().unwrap().iter().map(|problem| {
        let word = |key: &str| problem[key].as_str().unwrap().to_owned();
        let path = if word("path").is_empty() { String::new() } else { format!("{}: ", word("path")) };
        format!("{}:{}:{}: {path}{}\n", word("file"), problem["line"], problem["column"], word("message"))
    });
    let expected = fs::read_to_string(folder().join("ten-mistakes.txt")).unwrap();
    assert_eq!(lines.collect::<String>() + "10 problems in ten-mistakes.yaml\n", expected);

    let sound = run("uphold-collector check ../../config/catalogue.yaml --format json");
    let found: Value = serde_json::from_slice(&sound.stdout).unwrap();
    assert_eq!((sound.status.code(), &found["sound"]), (Some(0), &Value::Bool(true)));
}

#[test]
fn a_configuration_is_checked_with_the_catalogue_that_it_names() {
    let place = tempfile::tempdir().unwrap();
    let catalogue = place.path().join("catalogue.yaml");
    for name in ["catalogue.yaml", "holidays-ch.ics"] {
        fs::copy(folder().join("../../config").join(name), place.path().join(name)).unwrap();
    }
    let config = place.path().join("collector.yaml");
    let check = |written: String| {
        fs::write(&config, written).unwrap();
        let told = run(&format!("uphold-collector check --config {}", config.display()));
        (told.status.code().unwrap(), text(&told.stdout).replace(&format!("{}/", place.path().display()), ""))
    };
    let named = |path: &str| format!("data_dir: {}/data\ncatalogue: {path}\n", place.path().display());
    let (code, said) = check(named(&catalogue.display().to_string()));
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("collector.yaml is sound\ncatalogue.yaml is sound: 1 service"), "{said}");

    let (code, said) = check(named("/nowhere/catalogue.yaml"));
    assert_eq!(code, 1, "{said}");
    assert!(said.starts_with("collector.yaml: catalogue: could not read /nowhere/catalogue.yaml"), "{said}");
    assert!(said.ends_with("\n1 problem in collector.yaml\n") && !said.contains("sound"), "{said}");

    let (code, said) = check("lisen: 127.0.0.1:1\n".to_owned());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("collector.yaml:1:1: unknown key \"lisen\" (did you mean \"listen\"?)"), "{said}");

    fs::write(place.path().join("data"), "a file").unwrap();
    let (code, said) = check(named(&catalogue.display().to_string()));
    assert!(code == 1 && said.contains("collector.yaml: data_dir: data is a file"), "{said}");
}

#[test]
fn the_schema_is_printed_whole() {
    let told = run("uphold-collector schema");
    assert_eq!((told.status.code(), text(&told.stdout).as_str()), (Some(0), uphold_common::catalogue::SCHEMA));
}
