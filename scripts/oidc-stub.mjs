// Stands in for @actions/http-client in the bundles; see build.mjs.
export class HttpClient {}
export class BearerCredentialHandler {}
