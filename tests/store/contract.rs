//! The contract: each promise by its name, for each driver.

use crate::{bounds, browsers, logins, revocations, site::Site, together, waiting};

macro_rules! contract {
    ($($promises:ident::$promise:ident)*) => {
        contract!(@ memory in_memory $($promises::$promise)*);
        contract!(@ foreign on_a_foreign_store $($promises::$promise)*);
        contract!(@ redis on_redis $($promises::$promise)*);
        contract!(@ redis_on_a_socket on_a_socket $($promises::$promise)*);
        contract!(@ redis_behind_sentinel on_sentinel $($promises::$promise)*);
        contract!(@ redis_in_a_cluster on_a_cluster $($promises::$promise)*);
    };
    (@ $driver:ident $site:ident $($promises:ident::$promise:ident)*) => {
        mod $driver {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                super::$promises::$promise(super::Site::$site).await;
            })*
        }
    };
}

contract! {
    logins::a_login_is_pending_at_first
    logins::a_login_moves_over_opened_to_each_end
    logins::a_login_ends_once
    logins::a_login_does_not_go_back
    logins::of_two_hundred_ends_one_wins
    logins::nothing_is_left_of_a_login_after_its_lifetime
    logins::moving_on_does_not_lengthen_a_login
    logins::an_unknown_request_id_is_none
    logins::a_request_id_opens_once
    browsers::another_browser_learns_nothing
    browsers::without_a_request_id_the_newest_login_is_meant
    browsers::when_the_newest_login_expires_the_one_before_is_the_newest
    browsers::of_six_logins_the_oldest_makes_room
    browsers::expired_logins_are_none_of_the_five
    bounds::ten_thousand_logins_fill_a_store_and_go_on
    bounds::a_login_that_ended_keeps_its_place
    bounds::expired_logins_make_room
    bounds::a_browser_makes_room_for_itself_in_a_full_store
    together::ten_gateways_act_as_one
    waiting::what_has_moved_is_told_by_its_place
    waiting::a_login_that_has_expired_has_moved
    waiting::a_login_that_made_room_has_moved
    waiting::of_as_many_as_are_asked_about_at_once_each_is_told
    revocations::revocations_come_in_order_after_a_cursor
    revocations::a_cursor_that_no_store_gave_is_at_the_beginning
    revocations::two_hundred_revocations_at_once_come_once_each
    revocations::more_than_fit_at_once_come_in_order_and_once_each
    revocations::as_many_as_fit_at_once_are_followed_by_none
    revocations::a_revocation_is_gone_after_its_lifetime
    revocations::a_short_revocation_does_not_end_a_long_one
    revocations::all_gateways_get_the_time_of_one_clock
}
