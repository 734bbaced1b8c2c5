# METADATA
# title: Approval
# description: |
#   Who may approve what is held, how many distinct persons it takes, and what their approval outweighs. Signatures are
#   verified before release is asked; here only persons that are registered for the classification count.
package holdfast.approval

# METADATA
# description: The data laid over the rules.
_defaults := data.holdfast.defaults

# METADATA
# description: Every classification there is.
_every_classification := object.keys(_defaults.classifications)

# METADATA
# title: Approval terms
# description: The registered persons, and how many of them a held file needs by its classification, at least one.
# entrypoint: true
terms := {
	"approvers": [approver |
		some registered in _defaults.approvers
		approver := {
			"name": registered.name,
			"publicKey": registered.public_key,
			"classifications": sort(may_approve(registered)),
		}
	],
	"required": {name: max([1, required(name)]) | some name in _every_classification},
}

# METADATA
# title: Required approvals
# description: How many distinct persons must have approved content of the classification, held or not, before it may leave.
required(classification) := object.get(_defaults.classifications[classification], "approvals", 0)

# METADATA
# title: What a person may approve
# description: Everything, where the data does not restrict it.
may_approve(registered) := object.get(registered, "classifications", _every_classification)

# METADATA
# title: Persons who approved
# description: Distinct, registered, and allowed to approve content of the classification.
given(approvals, classification) := {registered.name |
	some approval in approvals
	some registered in _defaults.approvers
	registered.name == approval.approver
	is_string(approval.at)
	classification in may_approve(registered)
}

# METADATA
# title: Outweighed reason
# description: Whether approvals of enough persons, at least one, outweigh the reason.
outweighs(approvals, classification, id) if {
	id in _defaults.approval.waives
	count(given(approvals, classification)) >= max([1, required(classification)])
}
