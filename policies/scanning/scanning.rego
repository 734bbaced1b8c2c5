# METADATA
# title: Scanning
# description: What becomes of content by its verdict; admission announces it, release enforces it.
package holdfast.scanning

# METADATA
# description: The data the rules judge by.
_defaults := data.holdfast.defaults

# METADATA
# description: |
#   For each reason of a `not_scanned` verdict: `allow` (uploaded, marked unscanned), `hold` (waits for a
#   human) or `retry` (scanned again, then held). A classification may tighten or loosen the default.
not_scanned(classification) := object.union(
	_defaults.not_scanned,
	object.get(_defaults.classifications[classification], "not_scanned", {}),
)

# METADATA
# description: True when `clean` from the built-in test signatures, which know only EICAR, counts as clean.
builtin_signatures_allowed if data.holdfast.config.allow_test_signatures == true

# METADATA
# description: True when content of this classification with this verdict may leave the host.
acceptable(verdict, _) if {
	verdict.state == "clean"
	_trusted(verdict.signatureSet)
}

acceptable(verdict, classification) if {
	verdict.state == "not_scanned"
	not_scanned(classification)[verdict.reason] == "allow"
}

# METADATA
# description: Signature sets whose `clean` counts.
_trusted(signature_set) if signature_set in _defaults.signature_sets

_trusted("builtin-test") if builtin_signatures_allowed
