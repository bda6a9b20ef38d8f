/** What a keyword of ssh_config(5) means for the built-in client. */
export type KeywordKind = 'followed' | 'identity' | 'refused' | 'harmless';

/** Every keyword that OpenSSH knows, in the spelling of its manual. */
const KEYWORDS: Record<KeywordKind, string> = {
  // They decide where we connect, as whom, and whom we trust, and are followed as ssh does.
  followed: `Host Match Include HostName User Port IdentityFile IdentitiesOnly IdentityAgent ProxyJump UserKnownHostsFile
    GlobalKnownHostsFile HostKeyAlias StrictHostKeyChecking ConnectTimeout ServerAliveInterval ServerAliveCountMax AddressFamily
    BindAddress HostKeyAlgorithms RequiredRSASize HashKnownHosts IgnoreUnknown Tag`,
  // Further ways to prove who we are. Without them another one may do; a login that is refused names them.
  identity: 'CertificateFile PKCS11Provider',
  // They change where we connect or whom we trust, and can't be followed.
  refused: `ProxyCommand CanonicalizeHostname CanonicalizePermittedCNAMEs RevokedHostKeys KnownHostsCommand CheckHostIP
    BindInterface RefuseConnection`,
  // They change neither: what they allow is not used here, or it is more than we trust anyway.
  harmless: `AddKeysToAgent BatchMode CanonicalDomains CanonicalizeFallbackLocal CanonicalizeMaxDots CASignatureAlgorithms
    ChannelTimeout Ciphers ClearAllForwardings Compression ConnectionAttempts ControlMaster ControlPath ControlPersist
    DynamicForward EnableEscapeCommandline EnableSSHKeysign EscapeChar ExitOnForwardFailure FingerprintHash
    ForkAfterAuthentication ForwardAgent ForwardX11 ForwardX11Timeout ForwardX11Trusted GatewayPorts GSSAPIAuthentication
    GSSAPIClientIdentity GSSAPIDelegateCredentials GSSAPIKexAlgorithms GSSAPIKeyExchange GSSAPIRenewalForcesRekey
    GSSAPIServerIdentity GSSAPITrustDns HostbasedAcceptedAlgorithms HostbasedAuthentication IPQoS KbdInteractiveAuthentication
    KbdInteractiveDevices KexAlgorithms LocalCommand LocalForward LogLevel LogVerbose MACs
    NoHostAuthenticationForLocalhost NumberOfPasswordPrompts ObscureKeystrokeTiming PasswordAuthentication
    PermitLocalCommand PermitRemoteOpen PreferredAuthentications ProxyUseFdpass PubkeyAcceptedAlgorithms
    PubkeyAuthentication RekeyLimit RemoteCommand RemoteForward RequestTTY SecurityKeyProvider SendEnv SessionType SetEnv
    StdinNull StreamLocalBindMask StreamLocalBindUnlink SyslogFacility TCPKeepAlive Tunnel TunnelDevice UpdateHostKeys
    VerifyHostKeyDNS VersionAddendum VisualHostKey WarnWeakCrypto XAuthLocation
    Protocol Cipher FallBackToRsh GlobalKnownHostsFile2 RhostsAuthentication UserKnownHostsFile2 UseRoaming UseRsh
    UsePrivilegedPort AFSTokenPassing KerberosAuthentication KerberosTGTPassing RSAAuthentication RhostsRSAAuthentication
    CompressionLevel`,
};

/** Older names and those of distributions. */
const ALIASES: Record<string, string> = {
  identityfile2: 'identityfile',
  challengeresponseauthentication: 'kbdinteractiveauthentication',
  skeyauthentication: 'kbdinteractiveauthentication',
  tisauthentication: 'kbdinteractiveauthentication',
  dsaauthentication: 'pubkeyauthentication',
  hostbasedkeytypes: 'hostbasedacceptedalgorithms',
  pubkeyacceptedkeytypes: 'pubkeyacceptedalgorithms',
  keepalive: 'tcpkeepalive',
  smartcarddevice: 'pkcs11provider',
  rsaminsize: 'requiredrsasize',
  protocolkeepalives: 'serveraliveinterval',
  setuptimeout: 'serveraliveinterval',
};

const BY_NAME = new Map(
  Object.entries(KEYWORDS).flatMap(([kind, names]) =>
    names.split(/\s+/).map((name) => [name.toLowerCase(), { kind: kind as KeywordKind, spelling: name }] as const),
  ),
);

/** The keyword that a name in lower case stands for; undefined for one that OpenSSH does not know. */
export function keywordOf(name: string): { name: string; kind: KeywordKind; spelling: string } | undefined {
  const known = ALIASES[name] ?? name;
  const found = BY_NAME.get(known);
  return found && { name: known, ...found };
}

/** What a refused keyword may be set to, since it then changes nothing; and what to do otherwise. */
export const REFUSED: Readonly<Record<string, { unless: readonly string[]; remedy: string }>> = {
  proxycommand: { unless: ['none'], remedy: 'use ProxyJump there, or the input proxy-jump' },
  canonicalizehostname: { unless: ['no', 'false'], remedy: 'write the whole name in host' },
  canonicalizepermittedcnames: { unless: ['none'], remedy: 'write the whole name in host' },
  revokedhostkeys: {
    unless: ['none'],
    remedy: 'give @revoked lines in known-hosts, and another config with ssh-config',
  },
  knownhostscommand: { unless: ['none'], remedy: 'give the lines in known-hosts, and another config with ssh-config' },
  checkhostip: { unless: ['no', 'false'], remedy: 'leave it at `no`, its default' },
  bindinterface: { unless: [], remedy: 'use BindAddress with an address of that interface' },
  refuseconnection: { unless: [], remedy: 'use another host, or another config with ssh-config' },
};
