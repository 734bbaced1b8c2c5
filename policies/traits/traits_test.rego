package holdfast.traits_test

import data.holdfast.traits

file := {
	"entry": {"path": "docs/Plan.odt", "name": "Plan.odt", "extension": "odt"},
	"content": {
		"sizeBytes": 1234,
		"mediaType": "text/plain",
		"sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	},
}

config := {"sources": {"home": {}}}

admission(asked, config_value) := found if {
	found := traits.admission("home", asked) with data.holdfast.config as config_value
}

release(asked, config_value) := found if {
	found := traits.release("home", asked) with data.holdfast.config as config_value
}

ids(found) := {reason.id | some reason in found.reasons}

test_an_ordinary_file_has_nothing_against_it if {
	admission(file, config) == {"classification": "internal", "compression": "usual", "reasons": []}
	release(file, config) == {"reasons": []}
}

# Names, paths, hashes and sizes must not make a difference by themselves: else each file would be asked about alone.
test_ordinary_files_do_not_differ if {
	others := [
		json.patch(file, [{"op": "replace", "path": "/entry", "value": {"path": "b.c", "name": "b.c", "extension": "c"}}]),
		json.patch(file, [{"op": "replace", "path": "/content/sizeBytes", "value": 99}]),
		json.patch(file, [{"op": "replace", "path": "/content/mediaType", "value": "application/octet-stream"}]),
	]
	every other in others {
		admission(other, config) == admission(file, config)
		release(other, config) == release(file, config)
	}
}

test_every_reason_of_a_file_is_told if {
	strict := {"sources": {"home": {
		"admission": {
			"deny_names": ["*.odt"],
			"deny_extensions": ["odt"],
			"deny_media_types": ["text/*"],
			"max_size_bytes": 1,
		},
		"release": {"deny_names": ["docs/**"]},
	}}}
	ids(admission(file, strict)) == {"name_denied", "extension_denied", "media_type_denied", "size_over_limit"}
	ids(release(file, strict)) == {"name_denied"}
}

test_what_is_missing_or_out_of_form_denies_at_both_gates if {
	every path in ["entry", "content", "entry/path", "entry/name", "entry/extension", "content/sizeBytes", "content/sha256"] {
		asked := json.remove(file, [path])
		"input_invalid" in ids(admission(asked, config))
		"input_invalid" in ids(release(asked, config))
	}
	"input_invalid" in ids(admission(json.remove(file, ["content/mediaType"]), config))
	release(json.remove(file, ["content/mediaType"]), config).reasons == []
}

test_a_limit_that_is_none_denies if {
	ids(admission(file, {"sources": {"home": {"admission": {"max_size_bytes": "5000"}}}})) == {"size_over_limit"}
}

test_explanation_names_every_rule_that_matches if {
	rules := {
		"a": {"classification": "public", "extensions": ["odt"]},
		"b": {"classification": "confidential", "names": ["plan.odt"]},
		"c": {"classification": "restricted", "names": ["other"]},
	}
	found := traits.explanation with data.holdfast.config as config
		with data.holdfast.defaults.classify as rules
		with input as object.union(file, {"source": {"name": "home"}})
	found == {
		"by": {"rule": "b", "classification": "confidential"},
		"matching": {"a": "public", "b": "confidential"},
	}
}

# What is found once for an extension says of each file what the rules themselves say.
test_a_shorter_way_to_a_classification_comes_to_the_same if {
	named := {"n": {"classification": "confidential", "names": ["id_rsa", "plan.odt"]}}
	for_extension := {"e": {"classification": "public", "names": ["a.txt"], "extensions": ["txt"]}}
	large := {"l": {"classification": "restricted", "larger_than_bytes": 1000}}
	malformed := {"m": {"classification": "restricted", "names": "id_rsa"}}
	nameless := {"o": {"classification": "restricted", "names": [""]}}
	all_rules := [
		{}, named, for_extension, object.union(named, for_extension), object.union(named, large),
		object.union(named, malformed), object.union(named, nameless), {"bad": {"classification": "public", "patterns": 1}},
	]
	files := [
		file,
		json.patch(file, [{"op": "replace", "path": "/entry", "value": {"path": "x/ID_RSA", "name": "ID_RSA", "extension": ""}}]),
		json.patch(file, [{"op": "replace", "path": "/entry", "value": {"path": "a.txt", "name": "a.txt", "extension": "txt"}}]),
		json.patch(file, [{"op": "replace", "path": "/entry", "value": {"path": "b.txt", "name": "b.txt", "extension": "txt"}}]),
	]
	every rules in all_rules {
		every asked in files {
			found := traits.admission("home", asked) with data.holdfast.config as config
				with data.holdfast.defaults.classify as rules
			told := traits.classified("home", asked) with data.holdfast.config as config
				with data.holdfast.defaults.classify as rules
			found.classification == told.classification
		}
	}
}
