package holdfast.findings_test

import data.holdfast.findings

config := {
	"sources": {"home": {"destinations": ["local"], "admission": {"deny_names": ["*.tmp"]}}},
	"destinations": {"local": {}},
}

found(config_value) := sentences if {
	sentences := findings.all with data.holdfast.config as config_value
}

test_nothing_by_default if found(config) == set()

test_pattern_of_a_source if {
	found(object.union(config, {"sources": {"home": {"release": {"deny_names": ["*", "["]}}}})) == {`sources.home.release.deny_names.1: "[" is not a pattern`}
}

test_patterns_of_data if {
	found(config) == {`classify.x.patterns.0: "[" is not a pattern`} with data.holdfast.defaults.classify as {"x": {"patterns": ["["]}}
	found(config) == {`limits.deny_names.0: "[" is not a pattern`} with data.holdfast.defaults.limits.deny_names as ["["]
}

test_names_that_are_not_there if {
	found(object.union(config, {"sources": {"home": {"destinations": ["nowhere"]}}})) == {"sources.home.destinations: there is no destination nowhere"}
	found(object.union(config, {"sources": {"home": {"retention_class": "x"}}})) == {"sources.home.retention_class: there is no retention class x"}
	found(config) == {"classify.x.sources: there is no source y"} with data.holdfast.defaults.classify as {"x": {"sources": ["y"]}}
	found(config) == {"destinations: there is no destination y"} with data.holdfast.defaults.destinations as {"y": {}}
}

test_more_approvals_than_persons if {
	found(config) == {"classifications.internal.approvals: 2 are needed, and 1 persons may give one"} with data.holdfast.defaults.classifications.internal.approvals as 2
		with data.holdfast.defaults.approvers as [
			{"name": "amina"},
			{"name": "jean", "classifications": ["public"]},
		]
}

test_ranks_that_are_equal if {
	found(config) == {"classifications.internal.rank: public has the same"} with data.holdfast.defaults.classifications.public.rank as 1
}
