package ParaDemo::Users;

# The people of the demo: one per way of logging in, with the wallets that
# make a difference to a gateway.  Shared by the emulator, which signs them
# tokens, and by the tests, which sign others.

use strict;
use warnings;

use Mojo::Base -signatures;

use Exporter qw(import);
use Storable qw(dclone);

our @EXPORT_OK = qw(user_names user session_identity jwt_data touch_fields);

my $EMPTY_KEY = '';

my %USERS = (
    alice => {
        userId     => 'd5358219-38d3-4650-91a8-e338131d1c5e',
        authType   => 'email',
        identifier => 'alice@example.com',
        identity   => {email => 'alice@example.com'},
        wallets    => [
            {   id        => 'de4034f1-6b0f-4a98-87a5-e459db4d3a03',
                type      => 'EVM',
                address   => '0x9dd3824f045c77bc369485e8f1dd6b452b6be617',
                publicKey => '0x04' . 'a1' x 64,
            },
            {   id        => 'd70f64e4-266a-457e-9cea-eeb42341a975',
                type      => 'SOLANA',
                address   => 'EEp7DbBu5yvgf7Pr9W17cATPjCqUxY8K8R3dFbg53a3W',
                publicKey => $EMPTY_KEY,
            },
        ],
    },
    bob => {
        userId      => '2c7e9a14-5d0b-4f6e-8a35-71b2c94d8e60',
        authType    => 'email',
        identifier  => 'bob@example.com',
        oAuthMethod => 'google',
        identity    => {email => 'bob@example.com'},
        wallets     => [
            {   id        => '0b9c1c57-3f0d-4f8e-9d51-6a2b7c8d9e0f',
                type      => 'EVM',
                address   => '0x1f9090aae28b8a3dceadf281b0f12828e676c326',
                publicKey => '0x04' . 'b2' x 64,
            },
        ],
    },
    carol => {
        userId     => '7f1d3b82-9c46-4e0a-b5d7-20e8f6a1c394',
        authType   => 'phone',
        identifier => '+13105551234',
        identity   => {phone => '+13105551234'},
        wallets    => [
            {   id        => '6d2f8e31-7b4a-4c59-8f60-1e3d5c7b9a02',
                type      => 'COSMOS',
                address   => 'cosmos1hsk6jryyqjfhp5dhc55tc9jtckygx0eph6dd02',
                publicKey => $EMPTY_KEY,
            },
        ],
    },

    # Came with a wallet of their own: Para holds none for them.
    dave => {
        userId     => 'a4c05e77-1b92-4d3f-9e68-5f7d2c8b0a13',
        authType   => 'externalWallet',
        identifier => '0x52908400098527886E0F7030069857D2E4169EE7',
        identity   => {
            externalWalletAddress =>
                '0x52908400098527886E0F7030069857D2E4169EE7',
            externalWallet => {
                address  => '0x52908400098527886E0F7030069857D2E4169EE7',
                type     => 'EVM',
                provider => 'METAMASK',
            },
        },
        wallets          => [],
        connectedWallets => [
            {   id        => '3e5a7c91-2d4f-4b68-a0c2-8f6e4d2b0a15',
                type      => 'EVM',
                address   => '0x52908400098527886E0F7030069857D2E4169EE7',
                publicKey => '0x04' . 'd4' x 64,
            },
        ],
    },
    erin => {
        userId     => 'c81e4f26-6a3d-4b75-92f0-3d9b7e5a1c48',
        authType   => 'farcaster',
        identifier => 'erin.eth',
        identity   => {farcasterUsername => 'erin.eth'},
        wallets    => [
            {   id        => '9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d',
                type      => 'EVM',
                address   => '0xde709f2102306220921060314715629080e2fb77',
                publicKey => '0x04' . 'e5' x 64,
            },
        ],
    },
    frank => {
        userId     => 'f60b2d58-8e17-4c93-a4f1-6c0d9e7b3a25',
        authType   => 'telegram',
        identifier => '728391054',
        identity   => {telegramUserId => '728391054'},
        wallets    => [
            {   id   => '4f3e2d1c-0b9a-4887-b665-544332211f00',
                type => 'STELLAR',
                address =>
                    'GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ',
                publicKey => $EMPTY_KEY,
            },
        ],
    },
);

sub user_names () {
    my @names = sort keys %USERS;
    return @names;
}

# A copy of a user's record with the name in it; undef for an unknown name.
sub user ($name) {
    return if !defined $name || !exists $USERS{$name};
    return {%{dclone($USERS{$name})}, name => $name};
}

# What POST /sessions/verify says of a session.
sub session_identity ($user) {
    return {map { defined $user->{$_} ? ($_ => $user->{$_}) : () }
            qw(authType identifier oAuthMethod)};
}

# The claim "data" of a JWT issued by Para.
sub jwt_data ($user) {
    return {
        userId           => $user->{userId},
        wallets          => $user->{wallets},
        connectedWallets => $user->{connectedWallets} // [],
        %{$user->{identity}},
        %{session_identity($user)},
    };
}

# What POST /touch says of a user beside the session itself.
sub touch_fields ($user) {
    my %current;
    push @{$current{$_->{type}}}, $_->{id} for @{$user->{wallets}};

    my $external = $user->{identity}{externalWalletAddress};

    return {
        userId                         => $user->{userId},
        currentWalletIds               => \%current,
        verifiedExternalWalletAddresses => $external ? [$external] : [],
        %{$user->{identity}},
    };
}

1;
