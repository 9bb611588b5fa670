#!/usr/bin/perl

# The attack corpus through the gateway: the client gets the same answer for all
# bad tokens, the log has the exact reason, Para is not asked, and the app sees
# nothing.  The controls are accepted.

use strict;
use warnings;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaCorpus;
use Test::More;

use constant {
    LEAST      => 150,    # bad tokens
    MIN_SECRET => 16,
};

my $REALM  = 'realm="para"';
my $UNSAFE = qr/[^\x20-\x7e\n]/;

# RFC 6750 3.1
my %ANSWER = (
    token_invalid   => [401, 'invalid_token'],
    token_expired   => [401, 'invalid_token'],
    token_malformed => [400, 'invalid_request'],
);


# ---- The gateway: a provider for each set of keys -------------------------

my %providers = corpus_providers();

sub list {
    my ($name, @words) = @_;
    return @words ? join(' ', $name, @words) . ';' : '';
}

sub issuer {
    my ($issuer) = @_;

    my $lines = "key_file $issuer->{keys}; leeway $issuer->{leeway};"
        . list('audience', @{$issuer->{audience}});

    return $lines if $issuer->{kind} eq 'para';
    return "issuer $issuer->{name} { $lines"
        . list('algorithms', @{$issuer->{algorithms}})
        . list('iss', grep {defined} $issuer->{iss})
        . list('typ', @{$issuer->{typ} // []})
        . list('require_claim', @{$issuer->{require} // []})
        . list('max_age', map {"${_}s"} grep {defined} $issuer->{max_age})
        . list('require_exp', map {'off'} grep {$_} $issuer->{endless}) . '}';
}

# The sessions of what is merely expired are t/renew_token.t's.
my $http   = "para_auth_zone para:4m;\nlarge_client_header_buffers 8 64k;\n";
my $server = "proxy_set_header X-From gateway;\n";

for my $name (sort keys %providers) {
    my $issuers = $providers{$name};
    my $layer   = $issuers->[0]{layer} // '';

    $http .= "para_auth_provider $name { api $PARA_URL; "
        . "secret_key_file $PARA_DIR/secret.key; renew_window 0; "
        . join(' ', map { issuer($_) } @$issuers) . " }\n";
    $server .= "location /$name { para_auth $name $layer; "
        . 'para_auth_match off; '
        . "proxy_pass $APP_URL; }\n"
        . (verify_location() =~ s{_para_auth/verify}{_para_auth/$name}r
            =~ s/para_auth_upstream  app/para_auth_upstream  $name/r);
}

my $nginx = start_nginx(http => $http, server => $server);
my $alice = login('alice');

sub send_token {
    my ($provider, $token, $session) = @_;
    return http_raw(
        join("\r\n", "GET /$provider HTTP/1.1", 'Host: gateway',
            'Connection: close', "Authorization: Bearer $token",
            "X-Para-Session: $session", '', ''),
        port => $nginx->{port},
    );
}


# ---- Checks ---------------------------------------------------------------

my (@tokens, %same);

sub accepted {
    my ($case, $token) = @_;
    my $answer = send_token($case->{provider}, $token,
        $alice->{verificationToken});
    like($answer, qr{\AHTTP/1.1 200 },
        "accepted: $case->{provider}: $case->{name}") or diag(new_log($nginx));
    new_log($nginx);
    reset_app();
    return;
}

sub refused {
    my ($case, $token) = @_;
    my ($code, $reason) = @$case{qw(code reason)};

    # A session that Para has not been asked about: it would be seen.
    my $calls  = para_calls();
    my $answer = send_token($case->{provider}, $token, 'never-verified');
    my $log    = new_log($nginx);
    my ($refusal) = $log =~ /para_auth: refused, (code \S+, reason \S+),/;
    my ($status, $error) = @{$ANSWER{$code}};

    subtest "refused: $case->{provider}: $case->{name}" => sub {
        is($refusal, "code $code, reason $reason", 'the reason, in the log');
        like($answer, qr{\AHTTP/1.1 $status }, 'status');
        like($answer,
            qr/^WWW-Authenticate: Bearer $REALM, error="$error"/m,
            'challenge');
        is(para_calls(), $calls, 'Para is not asked');
        is(app_count(), 0, 'the app sees nothing');

        # nginx itself shows the header lines that are no HTTP.
        unlike($log, $UNSAFE, 'the log is printable')
            if $code ne 'token_malformed';

        # Nothing in the answer tells one bad token from another.
        $answer =~ s/^Date: .*\n//m;
        $same{$code} //= $answer;
        is($answer, $same{$code}, 'the same answer for all');
    };
    return;
}


# ---- The corpus -----------------------------------------------------------

my $bad = 0;

for my $case (grep { !defined $_->{now} } corpus_cases()) {
    my $token = ref $case->{token} ? $case->{token}->(time) : $case->{token};
    push @tokens, $token;

    if ($case->{reason} eq 'ok') {
        accepted($case, $token);
    } else {
        refused($case, $token);
        $bad++;
    }
}

cmp_ok($bad, '>=', LEAST, 'there are enough attacks');


# ---- What is not a matter of one check ------------------------------------

my ($good) = map { $_->{token} }
    grep { $_->{provider} eq 'own' && $_->{reason} eq 'ok' } corpus_cases();
my ($h, $rest) = split /[.]/, $good, 2;

# nginx has no patience with these.
for my $byte ("\0", "\r", "\r\n ") {
    my $answer = send_token('own', "$h.$byte$rest", 'never-verified');
    like($answer, qr{\AHTTP/1.1 400 }, 'byte ' . unpack 'H*', $byte);
    is(app_count(), 0, '... and the app sees nothing');
    new_log($nginx);
}

# A kid is in the log once, escaped and cut.
{
    send_token('own', own_jwt(header => {kid => "a\"\r\nb\x{9b}" x 30}), 'x');
    my $log = new_log($nginx);
    my ($line, @more) = grep {/para_auth/} split /\n/, $log;
    is(scalar @more, 0, 'a kid with line ends makes one line');
    my ($kid) = $line =~ /kid "(.*)", credential "[0-9a-f]{16}",/;
    ok(defined $kid && length $kid <= 4 * 64, 'and is cut');
}


# ---- The log --------------------------------------------------------------

# nginx itself shows the header lines that are no HTTP.
my $log = join "\n", grep { !/client sent invalid header line/ } split /\n/,
    $nginx->error_log;

my @found = grep { length > MIN_SECRET && index($log, $_) >= 0 }
    map { split /\./ } $alice->{verificationToken}, @tokens;
is_deeply(\@found, [], 'the log has no part of a credential');

open my $key, '<', "$PARA_DIR/secret.key" or die "secret.key: $!\n";
chomp(my $api_key = <$key>);
unlike($log, qr/\Q$api_key\E/, 'the log has no API key');
unlike($log, qr/\[(?:alert|emerg|crit|error)\]/, 'nothing grave in the log');
like($log, qr/credential "[0-9a-f]{16}",/, 'a short hash instead');

done_testing();
