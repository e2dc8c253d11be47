# What an edge needs that dispatches jobs:
#
#   nomad acl policy apply -namespace default -job brxy-edge brxy-edge examples/nomad/edge-dispatch.policy.hcl
#
# if it is the job brxy-edge of edge.nomad.hcl, and if it runs elsewhere, with the token as NOMAD_TOKEN:
#
#   nomad acl policy apply brxy-edge examples/nomad/edge-dispatch.policy.hcl
#   nomad acl token create -name brxy-edge -type client -policy brxy-edge
#
# submit-job is what Nomad asks for to deregister a dispatched job, which ends a launch that never connected.
namespace "default" {
  capabilities = ["list-jobs", "read-job", "dispatch-job", "submit-job"]
}
