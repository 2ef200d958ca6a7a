// Reads scenarios as JSON lines and writes lines of {"id", "decision"}; the argument is the folder with the oracle.
const { createRequire } = require('module')
const { runSimulation, anonymousPrincipal } = createRequire(process.argv[2] + '/')('@cloud-copilot/iam-simulate')
const readline = require('readline')
const named = (ps) => (ps || []).map((policy, n) => ({ name: `p${n}`, policy }))
const levels = (ls) => (ls || []).map((ps, n) => ({ orgIdentifier: `o${n}`, policies: named(ps) }))
async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    if (!line.trim()) continue
    const s = JSON.parse(line), r = s.request
    const simulation = {
      request: { principal: r.principal === '*' ? anonymousPrincipal : r.principal, action: r.action, resource: { resource: r.resource, accountId: r.account }, contextVariables: r.context },
      identityPolicies: named(s.identity),
      serviceControlPolicies: levels(s.scp), resourceControlPolicies: levels(s.rcp),
      resourcePolicy: s.resource_policy || undefined, sessionPolicy: s.session || undefined,
      permissionBoundaryPolicies: s.boundary ? named([s.boundary]) : undefined,
      vpcEndpointPolicies: s.vpc_endpoint ? named([s.vpc_endpoint]) : undefined,
    }
    let out
    try {
      const x = await runSimulation(simulation, { simulationMode: 'Strict' })
      out = x.resultType === 'error' ? { error: JSON.stringify(x.errors).slice(0, 300) } : { decision: x.overallResult }
    } catch (e) { out = { error: String(e).slice(0, 300) } }
    console.log(JSON.stringify({ id: s.id, ...out }))
  }
}
main()
