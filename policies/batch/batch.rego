# METADATA
# title: Batch
# description: |
#   What the program asks. A question has groups: facts that several files share (`facts`), and the files by the id that
#   each is asked about under (`files`). An answer is a set of decisions, each with the ids of the files that it is about.
#   Each file is judged as if it were asked about alone; a gate is asked once for those that it would see no difference
#   between. A file that is in no decision, or in two, is denied by the program.
package holdfast.batch

import data.holdfast.traits

# METADATA
# title: Admission decisions
# entrypoint: true
admissions contains {"files": files, "decision": decision} if {
	some group in input.groups
	traits_by_file := {id: traits.admission(_source(group), file) | some id, file in group.files}
	some alike in {found | some found in traits_by_file}
	files := [id | some id, found in traits_by_file; found == alike]
	decision := data.holdfast.admission.decision with input as object.union(group.facts, {"traits": alike})
}

# METADATA
# title: Release decisions
# entrypoint: true
releases contains {"files": files, "decision": decision} if {
	some group in input.groups
	traits_by_file := {id: traits.release(_source(group), file) | some id, file in group.files}
	some alike in {found | some found in traits_by_file}
	files := [id | some id, found in traits_by_file; found == alike]
	decision := data.holdfast.release.decision with input as object.union(group.facts, {"traits": alike})
}

# METADATA
# description: The source's name; empty where it is not told, which no source is called.
_source(group) := object.get(group, ["facts", "source", "name"], "")
