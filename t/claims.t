#!/usr/bin/perl

# Variables of the identity beyond the headers: a claim of any JWT by its name
# or path, the first wallet of a type, e-mail, sign-in provider, end.  They show
# what is verified and nothing else, from the cache as at first, and never the
# value of another claim.

use strict;
use warnings;
use utf8;

use FindBin ();
use lib "$FindBin::Bin/lib";

use ParaTest;
use ParaClient;
use Test::More;

use JSON::PP ();

use constant {
    LEEWAY => 10,
    MAX    => 4096,
    LOOKS  => 200,
    SOON   => 20,
};

binmode Test::More->builder->$_, ':encoding(UTF-8)'
    for qw(output failure_output todo_output);

my $TRUE  = JSON::PP::true();
my $FALSE = JSON::PP::false();

mkdir "$PARA_DIR/www";
put_file('www/page.html',
    '<!--#include virtual="/part/on" --><!--#include virtual="/part/off" -->');


# ---- The gateway ----------------------------------------------------------

my @FIELDS = qw(email oauth_method expires wallet_evm wallet_solana
    wallet_cosmos wallet_stellar);

sub shown {
    my (%variables) = @_;
    return join '', map {"add_header X-V-$_ \$$variables{$_} always;\n"}
        sort keys %variables;
}

my $SHOWN = shown(
    cache   => 'para_auth_cache',
    status  => 'para_auth_status',
    pid     => 'pid',
    plan    => 'para_auth_claim_plan',
    tier    => 'tier',
    exact   => 'exact',
    dotted  => 'dotted',
    groups  => 'groups',
    second  => 'second',
    user    => 'claim_user',
    early   => 'early',
    map { ($_ => "para_auth_$_") } @FIELDS
);

my $port   = free_ports();
my $spread = $port + 1;            # the kernel chooses the worker

my $SERVER = <<"CONF" . verify_location();
        listen 127.0.0.1:$spread reuseport;
        $SHOWN
        set \$early "\$para_auth_claim_plan\$tier\$para_auth_email";

        location /jwt      { para_auth app jwt;     try_files /none =204; }
        location /session  { para_auth app session; try_files /none =204; }
        location /both     { para_auth app;         try_files /none =204; }
        location /off      { para_auth off;         try_files /none =204; }
        location /role {
            para_auth app jwt;
            para_auth_require_wallet type=COSMOS;
            try_files /none =204;
        }
        location /paying {
            para_auth app jwt;
            para_auth_require \$paying \$tier;
            try_files /none =204;
        }
        location /verified {
            para_auth app jwt;
            para_auth_require \$verified;
            try_files /none =204;
        }
        location /away     { para_auth app jwt; try_files /none \@off; }
        location \@off      { try_files /none =204; }
        location /page.html {
            para_auth app jwt;
            root $PARA_DIR/www;
            ssi on;
        }
        location /part/on {
            para_auth app jwt;
            para_auth_header X-Plan \$para_auth_claim_plan;
            para_auth_header X-Tier "tier \$tier";
            proxy_pass $APP_URL;
        }
        location /part/off {
            proxy_set_header X-Off "<\$para_auth_claim_plan\$tier>";
            proxy_pass $APP_URL;
        }
CONF

my $ISSUER = own_issuer(
    more => 'require_exp off; claim email mail contact.mail; '
        . 'claim oauth_method idp;');

my $SETS = <<'CONF';
    para_auth_claim_set $tier       account.tier;
    para_auth_claim_set $exact      account.Plan;
    para_auth_claim_set $dotted     '"https://example.com/plan"';
    para_auth_claim_set $groups     groups[*].name;
    para_auth_claim_set $second     list[1];
    para_auth_claim_set $claim_user data.userId;
    para_auth_claim_set $verified   email_verified;
CONF

my $MAP = <<'CONF';
    map $para_auth_claim_plan $paying {
        volatile;
        default 0;
        pro     1;
    }
CONF

my $nginx = start_nginx(
    port    => $port,
    http    => http_config(provider => $ISSUER, http => $SETS . $MAP),
    server  => $SERVER,
    workers => 2,
);

# What the variables were for a request: a hash, without those that are empty.
sub ask {
    my ($path, $credentials) = @_;

    my $answer = get($spread, $path, $credentials // '');
    my %shown = (code => $answer->{status});
    for (@{$answer->{headers}}) {
        $shown{$1} = $_->[1] if $_->[0] =~ /\AX-V-(\w+)\z/;
    }
    return \%shown;
}

my $serial = 0;

# A token with these claims that nobody has seen.
sub token {
    my (%claims) = @_;
    return bearer(own_jwt(claims => {jti => ++$serial, %claims}));
}

# First, and from the cache: the same.
sub twice {
    my ($name, $credentials, $expected, $path) = @_;

    subtest $name => sub {
        for my $cache (qw(MISS HIT)) {
            my $got = ask($path // '/jwt', $credentials);
            is($got->{code}, 204, "$cache: let in");
            is($got->{cache}, $cache, $cache);
            for (sort keys %$expected) {
                is($got->{$_}, $expected->{$_}, "$cache: $_");
            }
        }
    };
    return;
}


# ---- Values ---------------------------------------------------------------

twice(
    'texts',
    token(
        plan    => 'pro',
        Plan    => 'upper',
        account => {tier => 'gold', Plan => 'Pro', plan => 'no'},
        'https://example.com/plan' => 'dotted',
        list    => ['a', 'b'],
        groups  => [{name => 'x'}, {id => 7}, {name => 'y,z'}],
    ),
    {   plan   => 'pro',
        tier   => 'gold',
        exact  => 'Pro',
        dotted => 'dotted',
        second => 'b',
        groups => 'x,y%2Cz',
    }
);

for my $case (
    ['a text with all kinds of characters', ' 100%, é ',
        '%20100%25, %C3%A9%20'],
    ['an astral one',        "\x{1f511}",               '%F0%9F%94%91'],
    ['an integer',           1_745_879_509,             '1745879509'],
    ['more than a double',   9_007_199_254_740_993,     '9007199254740993'],
    ['a fraction',           0.1,                       '0.1'],
    ['zero',                 0,                         '0'],
    ['true',                 $TRUE,                     'true'],
    ['false',                $FALSE,                    'false'],
    ['a list of texts',      ['a', 'b,c', ' ', ''],     'a,b%2Cc,%20'],
    ['a list of all sorts',  [1, $TRUE, 'x', undef],    '1,true,x'],
    ['nothing',              undef,                     undef],
    ['an empty text',        '',                        undef],
    ['an empty list',        [],                        undef],
    ['an object',            {a => 1},                  undef],
    ['a list with an object', ['a', {b => 1}],          undef],
    ['a list in a list',     ['a', ['b']],              undef],
    ['as much as there may be', 'x' x MAX,              'x' x MAX],
    )
{
    my ($name, $value, $expected) = @$case;
    twice($name, token(plan => $value), {plan => $expected});
}

for my $case (
    ['a line end',       "a\r\nX-V-evil: 1", 'claim_unsafe'],
    ['a tab in a list',  ['a', "\t"],        'claim_unsafe'],
    ['U+2028',           "a\x{2028}b",       'claim_unsafe'],
    ['more than there may be', 'x' x (MAX + 1), 'claim_size'],
    )
{
    my ($name, $value, $reason) = @$case;
    my $old = length $nginx->error_log;
    my $got = ask('/jwt', token(plan => $value, account => {tier => 'gold'}));

    is($got->{code}, 401, "$name: refused");
    is($got->{status}, 'token_invalid', "$name: as any bad token");
    ok(!defined $got->{$_}, "$name: no $_") for qw(plan tier evil);
    like(substr($nginx->error_log, $old), qr/$reason/, "$name: $reason");
}


# ---- Fields ---------------------------------------------------------------

my $exp = time + 1000;

twice(
    'of the own backend, by "claim"',
    token(
        contact => {mail => 'é@b.c'},
        email   => 'not@me',
        idp     => 'google',
        exp     => $exp
    ),
    {   email        => '%C3%A9@b.c',
        oauth_method => 'google',
        expires      => $exp + LEEWAY,
        wallet_evm   => undef,
        user         => undef,
    }
);

twice('a token without end', token(exp => undef), {expires => undef});

my %people = map { $_ => login($_) } qw(alice bob carol frank);

sub address {
    my ($name, $type) = @_;
    my ($wallet) = grep { $_->{type} eq $type }
        @{$people{$name}{user}{wallets}};
    return $wallet && $wallet->{address};
}

for my $name (sort keys %people) {
    my $record = $people{$name}{user};
    my $jwt    = para_jwt($people{$name});
    twice(
        "$name, of Para",
        bearer($jwt),
        {   email          => $record->{identity}{email},
            oauth_method   => $record->{oAuthMethod},
            expires        => jwt_claims($jwt)->{exp} + LEEWAY,
            user           => $record->{userId},
            wallet_evm     => address($name, 'EVM'),
            wallet_solana  => address($name, 'SOLANA'),
            wallet_cosmos  => address($name, 'COSMOS'),
            wallet_stellar => address($name, 'STELLAR'),
        }
    );
}

twice(
    'the first wallet of several',
    bearer(
        para_jwt(
            $people{alice},
            data => {
                wallets => [
                    {id => 'a', type => 'EVM', address => undef},
                    {id => 'b', type => 'Evm', address => '0x1,%'},
                    {id => 'c', type => 'EVM', address => '0x2'}
                ]
            }
        )
    ),
    {wallet_evm => '0x1%2C%25', wallet_solana => undef}
);

twice(
    'what the JWT does not say, the session does',
    token(
        auth_identifier => 'bob@example.com',
        para_user_id    => undef,
        plan            => 'pro'
        )
        . "\n"
        . credentials($people{bob}, 'session'),
    {oauth_method => 'google', plan => 'pro'},
    '/both'
);

subtest 'the session alone has no claims' => sub {
    my $got = ask('/session', credentials($people{bob}));
    is($got->{code}, 204, 'let in');
    is($got->{oauth_method}, 'google', 'what it says');
    ok(!defined $got->{$_}, "no $_")
        for qw(plan tier user expires email wallet_evm);
};


# ---- Only what is verified, and only where --------------------------------

my %CLAIMS = (
    plan    => 'pro',
    mail    => 'm@b.c',
    account => {tier => 'gold'}
);

sub shows_nothing {
    my ($name, $code, $path, $credentials) = @_;

    subtest $name => sub {
        my $got = ask($path, $credentials);
        is($got->{code}, $code, "status $code");
        ok(!defined $got->{$_}, "no $_")
            for qw(plan tier email expires early);
    };
    return;
}

my $good = own_jwt(claims => {%CLAIMS, jti => 'good'});

shows_nothing('no token', 401, '/jwt', '');
shows_nothing('a forged token', 401, '/jwt',
    bearer(tamper($good, plan => 'evil')));
shows_nothing('an expired token', 401, '/jwt',
    token(%CLAIMS, exp => time - 2 * LEEWAY));
shows_nothing('a token with another session', 401, '/both',
    token(%CLAIMS) . "\n" . credentials($people{bob}, 'session'));
shows_nothing('a location that is off', 204, '/off', bearer($good));
shows_nothing('a user who may not', 403, '/role', bearer($good));
is(ask('/jwt', bearer($good))->{plan}, 'pro', 'elsewhere: shown');
shows_nothing('the same who may not, again', 403, '/role', bearer($good));

for my $case (
    ['who pays',             204, {plan => 'pro',  account => {tier => 'a'}}],
    ['who does not',         403, {plan => 'free', account => {tier => 'a'}}],
    ['who has no such claim', 403, {plan => 'pro'}],
    )
{
    my ($name, $code, $claims) = @$case;
    my $token = token(%$claims);
    is(ask('/paying', $token)->{code}, $code, "required: $name, $_")
        for qw(first again);
}

for my $case ([204, $TRUE], [204, 1], [403, $FALSE], [403, 0], [403, undef]) {
    my ($code, $verified) = @$case;
    my $token = token(email_verified => $verified);
    is(ask('/verified', $token)->{code},
        $code, 'required itself: ' . ($verified // 'null') . ", $_")
        for qw(first again);
}

subtest 'a redirect to where it is off' => sub {
    my $got = ask('/away', bearer($good));
    is($got->{code}, 204, 'let in');
    ok(!defined $got->{$_}, "no $_") for qw(plan tier email expires);
};

subtest 'subrequests' => sub {
    reset_app();
    my $answer = get($nginx->{port}, '/page.html', bearer($good));
    is($answer->{status}, 200, 'the page');

    my %calls = map { $_->{path} => $_->{headers} } @{app_calls()};
    my %on  = map {@$_} @{$calls{'/part/on'}  // []};
    my %off = map {@$_} @{$calls{'/part/off'} // []};

    is($on{'X-Plan'}, 'pro',       'the same policy: in a header');
    is($on{'X-Tier'}, 'tier gold', 'the same policy: by a path');
    is($off{'X-Off'}, '<>',        'off: nothing');
};

subtest 'headers' => sub {
    for my $case (['a claim', 'pro,é', 'pro,%C3%A9'], ['none', undef, undef])
    {
        my ($name, $value, $expected) = @$case;
        for my $time ('first', 'again') {
            reset_app();
            my $answer = get($nginx->{port}, '/part/on',
                bearer(own_jwt(claims => {plan => $value, jti => $name}))
                    . "\nX-Plan: evil\nX-Tier: evil");
            is($answer->{status}, 200, "$name, $time: let in");
            my @sent = map { $_->[1] } grep { lc $_->[0] eq 'x-plan' }
                @{app_calls()->[0]{headers}};
            is_deeply(\@sent, [defined $expected ? $expected : ()],
                "$name, $time: sent");
        }
    }
};


# ---- Other processes, other configurations --------------------------------

# Everything that was shown until both workers have answered from the cache.
sub from_all {
    my ($credentials, $name) = @_;
    my (%workers, @shown);

    for (1 .. LOOKS) {
        my $got = ask('/jwt', $credentials);
        push @shown, $got;
        $workers{$got->{pid}}++ if $got->{cache} eq 'HIT';
        last if keys %workers == 2;
    }

    is(scalar keys %workers, 2, "$name: both workers have it");
    return @shown;
}

subtest 'another worker' => sub {
    my @shown = from_all(token(%CLAIMS), 'one token');
    is(scalar(grep { $_->{cache} eq 'MISS' } @shown), 1, 'verified once');
    is_deeply([grep { $_->{plan} ne 'pro' || $_->{tier} ne 'gold' } @shown],
        [], 'the same');
};

# Reads a changed configuration, and waits until the old workers are gone.
sub reload_with {
    my ($sets, $variables) = @_;

    my $conf = $nginx->{conf};
    $conf =~ s/\Q$SETS\E/$sets/        or die 'no claims there';
    $conf =~ s/\Q$SHOWN\E/$variables/  or die 'no variables there';

    my $file = put_file('claims.conf', $conf);
    rename $file, $nginx->{file} or die "rename: $!";

    my $parent = $nginx->pid;
    my @old    = split ' ', `ps -o pid= --ppid $parent`;

    $nginx->reload;
    wait_until(SOON, sub { !grep { kill 0, $_ } @old })
        or die 'no reload: ', $nginx->error_log;
    return;
}

subtest 'reload' => sub {
    my $token = token(
        plan    => 'pro',
        level   => 'low',
        account => {tier => 'gold', Plan => 'Pro'},
        list    => ['a', 'b'],
    );
    my @same = (exact => 'Pro', second => 'b');
    twice('before', $token, {plan => 'pro', tier => 'gold', @same});

    reload_with($SETS, $SHOWN);
    my $got = ask('/jwt', $token);
    is($got->{cache}, 'HIT', 'the same claims: known still');
    is($got->{plan}, 'pro', 'and as before');

    # As many claims as before, in another order: the record has their number.
    my $sets = join "\n", reverse split /\n/, $SETS;
    reload_with("$sets\n", $SHOWN);
    twice('another order', $token, {plan => 'pro', tier => 'gold', @same});

    # One for another.
    ($sets = $SETS) =~ s/account\.tier/level/ or die;
    reload_with($sets, $SHOWN);
    twice('another claim', $token, {plan => 'pro', tier => 'low', @same});

    # More of them, fewer, none.
    (my $variables = $SHOWN) =~ s/claim_plan/claim_level/ or die;
    $variables .= 'add_header X-V-extra $para_auth_claim_sub$tier always;';
    reload_with($SETS, $variables);
    twice('more claims', $token,
        {plan => 'low', tier => 'gold', extra => 'gold', @same});

    (my $fewer = $SETS) =~ s/^.*list\[1\];\n//m or die;
    ($variables = $SHOWN) =~ s/^.*\$second.*\n//m or die;
    reload_with($fewer, $variables);
    twice('fewer claims', $token,
        {plan => 'pro', tier => 'gold', exact => 'Pro'});
};

is_healthy($nginx, 'all of this');

done_testing();
