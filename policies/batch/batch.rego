# METADATA
# title: Batch
# description: |
#   Both gates for many files at once: each item is judged by the same rules as if it were asked about alone, and
#   answered under the id it was asked by. What gets no answer has no key here, and the program takes that as a denial.
package holdfast.batch

# METADATA
# title: Admission decisions
# entrypoint: true
admissions[id] := decision if {
	some id, item in input.items
	decision := data.holdfast.admission.decision with input as item
}

# METADATA
# title: Release decisions
# entrypoint: true
releases[id] := decision if {
	some id, item in input.items
	decision := data.holdfast.release.decision with input as item
}
